// Keyboard and copy buttons. Every page works without this file: it only saves hand movements.
"use strict";

for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) break;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("copied");
    button.textContent = "copied";
    setTimeout(() => { button.classList.remove("copied"); button.textContent = "copy"; }, 1600);
  });
}

// `/` finds; `g` and then a place's letter goes there.
let going = 0;
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
  going = 0;
  if (after) {
    const place = [...document.querySelectorAll("nav.places a[data-key]")].find((link) => link.dataset.key === event.key);
    if (place) location.assign(place.href);
  } else if (event.key === "g") {
    going = event.timeStamp;
  }
});
