// Keyboard and copy buttons. Every page works without this file: it only saves hand movements.
"use strict";

// Browsers give the clipboard to pages over TLS or of this machine only; elsewhere a selection is copied.
const copy = async (button) => {
  if (navigator.clipboard) return navigator.clipboard.writeText(button.dataset.copy);
  getSelection().selectAllChildren(button.parentElement.querySelector(".line"));
  if (!document.execCommand("copy")) throw new Error("nothing was copied");
};

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const label = button.ariaLabel;
    const said = await copy(button).then(() => "copied", () => "not copied");
    button.classList.toggle("copied", said === "copied");
    button.textContent = said;
    button.ariaLabel = said;
    setTimeout(() => {
      button.classList.remove("copied");
      button.textContent = "copy";
      button.ariaLabel = label;
    }, 1600);
  });
}

// `/` finds; `g` and then a place's letter goes there.
let going = -Infinity;
document.addEventListener("keydown", (event) => {
  const target = event.target;
  const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  if (typing) {
    if (event.key === "Escape") target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    document.getElementById("find")?.focus();
    return;
  }
  const after = event.timeStamp - going < 1500;
  going = -Infinity;
  if (after) {
    const place = [...document.querySelectorAll("nav.places a[data-key]")].find((link) => link.dataset.key === event.key);
    if (place) location.assign(place.href);
  } else if (event.key === "g") {
    going = event.timeStamp;
  }
});
