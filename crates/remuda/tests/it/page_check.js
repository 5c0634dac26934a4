// What is wrong with the page that is open, as a list of sentences. Runs in the page, at one width and one theme.
(() => {
  const complaints = [];
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  const known = new Map();

  // Any colour that CSS can say, as red, green, blue (0 to 255) and alpha (0 to 1).
  const colour = (text) => {
    if (!known.has(text)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = text;
      brush.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = brush.getImageData(0, 0, 1, 1).data;
      known.set(text, [red, green, blue, alpha / 255]);
    }
    return known.get(text);
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((left, right) => left - right);
    return (high + 0.05) / (low + 0.05);
  };

  // What lies under an element's text: the backgrounds of its ancestors, painted from the root.
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(colour(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const opacity = (element) => {
    let whole = 1;
    for (let at = element; at; at = at.parentElement) whole *= Number(getComputedStyle(at).opacity);
    return whole;
  };

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const weak = new Set();
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const element = texts.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
    if (/^(SCRIPT|STYLE|TITLE|OPTION)$/i.test(element.tagName) || element.closest(".hidden, .skip")) continue;
    // A pulse is at its faintest for a moment only.
    const style = getComputedStyle(element);
    const ink = colour(element.namespaceURI.endsWith("svg") ? style.fill : style.color);
    const below = ground(element);
    const found = contrast(over([...ink.slice(0, 3), ink[3] * opacity(element)], below), below);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (found < (large ? 3 : 4.5)) {
      const name = element.className.baseVal ?? element.className;
      weak.add(`contrast ${found.toFixed(2)} of "${text.slice(0, 30)}" in ${element.tagName}.${name}`);
    }
  }
  complaints.push(...[...weak].slice(0, 8));

  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide > 0) {
    const culprits = [...document.querySelectorAll("main *")]
      .filter((element) => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !element.closest(".scroll, pre, code"))
      .slice(0, 3).map((element) => `${element.tagName}.${element.className}`);
    complaints.push(`${wide} pixels wider than the window: ${culprits.join(", ")}`);
  }
  if (!document.title.includes("remuda")) complaints.push(`the title is "${document.title}"`);
  const headings = [...document.querySelectorAll("h1")].filter((heading) => heading.textContent.trim());
  if (headings.length !== 1) complaints.push(`${headings.length} headings of the first level`);
  if (!document.querySelector(".command .line")?.textContent.trim()) complaints.push("no command is shown");
  for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!field.labels?.length && !field.ariaLabel) complaints.push(`${field.name} has no label`);
  }
  for (const link of document.querySelectorAll("a[href], button")) {
    const named = link.textContent.trim() || link.ariaLabel || link.querySelector("[aria-label], title");
    if (!named && link.checkVisibility()) complaints.push(`a link to ${link.getAttribute("href")} has no name`);
  }
  return complaints;
})();
