// Keyboard, copy buttons, what changes while a run goes on. Every page works without this file: it only saves hand movements.
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

// What MLflow's clients print leads to its own pages: `#/experiments/1/runs/ID`.
const printed = () => {
  const [noun, name, below, id] = location.hash.replace(/^#\//, "").split(/[/?]/).map(decodeURIComponent);
  if (!location.hash.startsWith("#/") || !name) return;
  if (noun === "experiments" && below === "runs" && id) location.replace("/run/" + encodeURIComponent(id));
  else if (noun === "experiments") location.replace("/run?experiment=" + encodeURIComponent(name));
  else if (noun === "models") location.replace("/model/" + encodeURIComponent(name) + (below === "versions" && id ? "?version=" + encodeURIComponent(id) : ""));
};
printed();
addEventListener("hashchange", printed);

// While a run goes on, its curves are put in anew; a page that nobody looks at asks for nothing.
for (const part of document.querySelectorAll("[data-live]")) {
  const again = async (pause) => {
    await new Promise((wake) => setTimeout(wake, pause));
    if (document.hidden) return again(pause);
    const answer = await fetch(part.dataset.live).then((found) => (found.ok ? found.json() : undefined), () => undefined);
    if (!answer) return again(Math.min(pause * 2, 60000));
    const open = [...part.querySelectorAll("details")].map((one) => one.open);
    part.innerHTML = answer.html;
    part.querySelectorAll("details").forEach((one, place) => (one.open = open[place] ?? one.open));
    if (!answer.running) return location.reload();
    return again(2000);
  };
  again(2000);
}

// A run's name in a legend shows its lines among the others.
for (const entry of document.querySelectorAll(".line-legend [data-hue]")) {
  const lines = [...entry.closest("section").querySelectorAll(".series.hue-" + entry.dataset.hue)];
  const show = (shown) => () => lines.forEach((line) => {
    line.classList.toggle("shown", shown);
    line.closest("svg").classList.toggle("one-shown", shown);
  });
  entry.addEventListener("pointerenter", show(true));
  entry.addEventListener("pointerleave", show(false));
}
