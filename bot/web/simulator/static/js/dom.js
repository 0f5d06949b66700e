/** Making elements. Text always arrives as text: nothing here, or anywhere on the page, reads markup from a string. */

const SVG = "http://www.w3.org/2000/svg";
const icons = document.querySelector("svg.icon use").getAttribute("href").split("#")[0];

/** The element of the page with this id. */
export const at = (id) => document.getElementById(id);

/**
 * A new element. `traits`: `text`, `on` (listeners by event), `data` (dataset), and attributes; those that are
 * false, null or undefined are left out.
 */
export function make(tag, traits = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") element.textContent = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** One of the pictures of icons.svg. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Change an element's text only where it differs, so that nothing is read aloud twice. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
