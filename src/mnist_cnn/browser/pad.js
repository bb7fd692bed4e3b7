// A pad to draw on with mouse, pen, finger or keyboard, or to open an image file on.

import { make } from "./parts.js";

const SIDE = 280;
const PEN = 22;
const MOVES = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
const KEYS = "With the keyboard: arrow keys move the pen, Space puts it down or lifts it, Delete clears.";
const NO_IMAGE = "This file is not an image that the browser can show. Choose another, such as PNG or JPEG.";

/**
 * `read` is called with the pixels, at most once for each picture on the screen, and with null when nothing is drawn;
 * `save` with the address of a PNG, after each stroke.
 */
export function pad(read, save) {
  const canvas = make("canvas", { tabindex: 0, role: "application", "aria-label": `Pad to draw a digit on. ${KEYS}` });
  const cursor = make("i", { hidden: true });
  const [status, file] = [
    make("p", { role: "status" }),
    make("input", { type: "file", accept: "image/*", hidden: true }),
  ];
  const clearButton = make("button", { type: "button", click: () => clear() }, "Clear");
  const openButton = make("button", { type: "button", click: () => file.click() }, "Open an image…");
  const element = make(
    "div.mnist-pad",
    {},
    make("div.paper", {}, canvas, cursor),
    make("div", {}, clearButton, openButton, file),
    make("small", { "aria-hidden": true }, KEYS),
    status,
  );
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let pen = null; // where the pen was last, while it is down
  let at = [SIDE / 2, SIDE / 2]; // where the keyboard's pen is
  let drawn = ""; // what is on the pad, as it was last saved

  const changed = () => {
    if (canvas.ariaBusy === "true") return;
    canvas.ariaBusy = "true";
    requestAnimationFrame(() => {
      const pixels = ink.getImageData(0, 0, canvas.width, canvas.height);
      canvas.ariaBusy = "false";
      read(pixels.data.some((value) => value) ? pixels : null);
    });
  };
  /** Move the keyboard's pen, as far as the canvas goes: an image may leave paper bare. */
  const moveTo = (point) => {
    const sides = [canvas.width, canvas.height];
    at = sides.map((side, axis) => Math.min(Math.max(point[axis], 0), side));
    [cursor.style.left, cursor.style.top] = at.map((value) => `${value}px`);
    cursor.className = pen ? "down" : "";
  };
  const keepDrawing = () => save((drawn = canvas.toDataURL()));
  const resize = (width, height) => {
    [canvas.width, canvas.height] = [width, height];
    [ink.lineWidth, ink.lineCap, ink.lineJoin] = [PEN, "round", "round"];
    pen = null; // where it was may lie beyond the new edges
    moveTo(at);
  };
  const clear = () => {
    resize(SIDE, SIDE);
    status.textContent = "";
    changed();
    save((drawn = ""));
  };
  const drawTo = (point) => {
    ink.beginPath();
    ink.moveTo(...pen);
    ink.lineTo(point[0] + 0.01, point[1]); // a line of no length would leave no dot
    ink.stroke();
    pen = point;
    changed();
  };
  const lift = () => {
    if (pen) keepDrawing();
    pen = null;
  };

  const pointOf = (event) => {
    const box = canvas.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * canvas.width) / box.width,
      ((event.clientY - box.top) * canvas.height) / box.height,
    ];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return; // one finger draws, the palm does not
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    pen = pointOf(event);
    drawTo(pen);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!pen || !cursor.hidden || !event.isPrimary) return;
    const between = event.getCoalescedEvents?.() ?? []; // not in every browser
    [...between, event].forEach((each) => drawTo(pointOf(each)));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.isPrimary) lift();
    });
  }

  canvas.addEventListener("blur", () => {
    lift();
    cursor.hidden = true;
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (event.key === " " && pen) lift();
    else if (event.key === " ") drawTo((pen = [...at]));
    else if (MOVES[event.key]) {
      moveTo(at.map((value, axis) => value + MOVES[event.key][axis]));
      if (pen) drawTo([...at]);
    } else return;
    event.preventDefault();
    moveTo(at);
    cursor.hidden = false;
  });

  /** Put an image on the pad, as large as fits; false if the browser cannot show it. */
  const put = async (address, enlarge = true) => {
    const image = new Image();
    image.src = address;
    const readable = await image.decode().then(
      () => image.naturalWidth > 0,
      () => false,
    );
    if (!readable) return false;
    const sides = [image.naturalWidth, image.naturalHeight];
    const scale = enlarge ? SIDE / Math.max(...sides) : 1;
    resize(...sides.map((side) => Math.max(Math.round(side * scale), 1)));
    ink.imageSmoothingQuality = "high";
    ink.drawImage(image, 0, 0, canvas.width, canvas.height);
    changed();
    return true;
  };
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const address = URL.createObjectURL(file.files[0]);
    const readable = await put(address);
    status.textContent = readable ? "" : NO_IMAGE;
    if (readable) keepDrawing();
    URL.revokeObjectURL(address);
    file.value = ""; // or the same file could not be chosen again
  });

  resize(SIDE, SIDE);
  /** Show a drawing that was saved, if it is another: by another copy of this view, or before a reload of the page. */
  const show = (saved) => {
    if (saved === drawn) return;
    drawn = saved;
    if (saved) put(saved, false);
    else clear();
  };
  return { element, show };
}
