// The drawing canvas of a view: draw with mouse, pen, finger or keyboard, or open an image file.

import { ARROW_KEYS, canvasPoint, make, statusLine } from "./elements.js";
import { drawLine, openImage, pack, unpack } from "./pixels.js";

const SIDE = 280; // pixels
const ARROW_STEP = 8; // pixels by which an arrow key moves the pen
const KEYBOARD_HELP =
  "With the keyboard: arrow keys move the pen, Space puts it down or lifts it, Delete clears.";

/**
 * Make a canvas to draw on, with its buttons.
 *
 * `onDraw` is called with the pixels, at most once per animation frame, and with null when nothing
 * is drawn; `onSave` with them as text, after each stroke.
 *
 * The returned `show` displays a saved drawing.
 */
export function drawingCanvas({ onDraw, onSave }) {
  const canvas = make("canvas", {
    tabindex: 0,
    role: "application",
    "aria-label": `Pad to draw a digit on. ${KEYBOARD_HELP}`,
  });
  const cursor = make("i", { hidden: true });
  const status = statusLine();
  const sketch = new Sketch({ canvas, cursor, status }, { onDraw, onSave });
  drawByPointer(sketch, canvas, cursor);
  drawByKeyboard(sketch, canvas, cursor);
  const element = make(
    "div.mnist-pad",
    {},
    make("div.paper", {}, canvas, cursor),
    make("div", {}, clearButton(sketch), ...imageOpener(sketch, status)),
    make("small", { "aria-hidden": true }, KEYBOARD_HELP),
    status,
  );
  return { element, show: (saved) => sketch.show(saved) };
}

/** What is drawn, and the pen that draws. */
class Sketch {
  #canvas; // shows the pixels
  #cursor; // shows where the keyboard's pen is
  #status;
  #onDraw;
  #onSave;
  #pixels;
  #pen = null; // where the pen is while it is down
  #saved = ""; // the drawing as it was last saved
  #willNotify = false; // whether `onDraw` is called in the next animation frame
  #edits = 0; // counts changes, to notice one that was made while a drawing was being packed
  keyboardPen = [SIDE / 2, SIDE / 2];

  constructor({ canvas, cursor, status }, { onDraw, onSave }) {
    this.#canvas = canvas;
    this.#cursor = cursor;
    this.#status = status;
    this.#onDraw = onDraw;
    this.#onSave = onSave;
    this.#replacePixels(new ImageData(SIDE, SIDE));
  }

  get isPenDown() {
    return this.#pen !== null;
  }

  putPenDown(point) {
    this.#pen = point;
    this.drawTo(point);
  }

  drawTo(point) {
    const changed = drawLine(this.#pixels, this.#pen, point);
    this.#canvas.getContext("2d").putImageData(this.#pixels, 0, 0, ...changed);
    this.#pen = point;
    this.#notifySoon();
  }

  liftPen() {
    if (this.isPenDown) this.#saveWhenPacked();
    this.#pen = null;
  }

  /** Move the keyboard's pen within the canvas; with an image, it may be smaller than the paper. */
  moveKeyboardPen([x, y]) {
    const { width, height } = this.#canvas;
    this.keyboardPen = [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
    this.showCursor();
  }

  /** Show the keyboard's pen where it is, and whether it is down. */
  showCursor() {
    const [x, y] = this.keyboardPen;
    this.#cursor.style.left = `${x}px`;
    this.#cursor.style.top = `${y}px`;
    this.#cursor.className = this.isPenDown ? "down" : "";
  }

  clear() {
    this.#replacePixels(new ImageData(SIDE, SIDE));
    this.#notifySoon();
    this.#saved = "";
    this.#onSave("");
  }

  /** Show the pixels of an image. */
  open(pixels) {
    this.#replacePixels(pixels);
    this.#notifySoon();
    this.#saveWhenPacked();
  }

  /**
   * Show a saved drawing unless it is already shown: one from another copy of this view, or from
   * before the page was reloaded.
   */
  async show(saved) {
    if (saved === this.#saved) return;
    this.#saved = saved;
    const pixels = saved ? await unpack(saved, SIDE) : new ImageData(SIDE, SIDE);
    if (saved !== this.#saved) return; // something newer has come
    this.#replacePixels(pixels);
    this.#notifySoon();
  }

  #replacePixels(pixels) {
    this.#pixels = pixels;
    this.#edits++;
    this.#canvas.width = pixels.width;
    this.#canvas.height = pixels.height;
    this.#canvas.getContext("2d").putImageData(pixels, 0, 0);
    this.#status.textContent = "";
    this.#pen = null; // where it was may be outside the new canvas
    this.moveKeyboardPen(this.keyboardPen);
  }

  /** Call `onDraw` in the next animation frame; until it has returned, the canvas is busy. */
  #notifySoon() {
    if (this.#willNotify) return;
    this.#willNotify = true;
    this.#canvas.ariaBusy = "true";
    requestAnimationFrame(() => {
      this.#willNotify = false;
      this.#onDraw(this.#pixels.data.some((value) => value) ? this.#pixels : null);
      this.#canvas.ariaBusy = "false";
    });
  }

  async #saveWhenPacked() {
    this.#edits++;
    const edit = this.#edits;
    const packed = await pack(this.#pixels);
    if (edit !== this.#edits) return; // something newer has come
    this.#saved = packed;
    this.#onSave(packed);
  }
}

function drawByPointer(sketch, canvas, cursor) {
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return; // one finger draws, the palm does not
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    sketch.putPenDown(canvasPoint(event, canvas));
  });
  canvas.addEventListener("pointermove", (event) => {
    const isKeyboardDrawing = !cursor.hidden;
    if (!sketch.isPenDown || isKeyboardDrawing || !event.isPrimary) return;
    const between = event.getCoalescedEvents?.() ?? []; // not in every browser
    for (const move of [...between, event]) sketch.drawTo(canvasPoint(move, canvas));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => {
      if (event.isPrimary) sketch.liftPen();
    });
  }
}

function drawByKeyboard(sketch, canvas, cursor) {
  function move([down, right]) {
    const [x, y] = sketch.keyboardPen;
    sketch.moveKeyboardPen([x + ARROW_STEP * right, y + ARROW_STEP * down]);
    if (sketch.isPenDown) sketch.drawTo(sketch.keyboardPen);
  }
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") sketch.clear();
    else if (event.key === " " && sketch.isPenDown) sketch.liftPen();
    else if (event.key === " ") sketch.putPenDown(sketch.keyboardPen);
    else if (ARROW_KEYS[event.key]) move(ARROW_KEYS[event.key]);
    else return;
    event.preventDefault();
    sketch.showCursor();
    cursor.hidden = false;
  });
  canvas.addEventListener("blur", () => {
    sketch.liftPen();
    cursor.hidden = true;
  });
}

function clearButton(sketch) {
  return make("button", { type: "button", click: () => sketch.clear() }, "Clear");
}

/** A button that opens an image file, and the file input that it clicks. */
function imageOpener(sketch, status) {
  const input = make("input", { type: "file", accept: "image/*", hidden: true });
  input.addEventListener("change", async () => {
    if (!input.files.length) return;
    try {
      sketch.open(await openImage(input.files[0], SIDE));
    } catch (error) {
      status.textContent = error.message;
    }
    input.value = ""; // otherwise the same file could not be chosen again
  });
  const button = make("button", { type: "button", click: () => input.click() }, "Open an image…");
  return [button, input];
}
