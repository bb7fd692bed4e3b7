// A pad to draw on with mouse, pen, finger or keyboard, or to open an image file on.

import { make } from "./elements.js";
import { drawLine, openImage, pack, unpack } from "./pixels.js";

const SIDE = 280;
const MOVES = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
const KEYS = "With the keyboard: arrow keys move the pen, Space puts it down or lifts it, Delete clears.";

/**
 * `read` is called with the pixels, at most once for each picture on the screen, and with null when nothing is drawn;
 * `save` with them as text, after each stroke.
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
  const screen = canvas.getContext("2d");
  let pixels; // what is on the pad; the canvas shows it
  let pen = null; // where the pen was last, while it is down
  let at = [SIDE / 2, SIDE / 2]; // where the keyboard's pen is
  let drawn = ""; // what is on the pad, as it was last saved
  let edit = 0; // counts what is put or drawn there, to notice what came while the last was packed

  const changed = () => {
    if (canvas.ariaBusy === "true") return;
    canvas.ariaBusy = "true";
    requestAnimationFrame(() => {
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
  const keepDrawing = async () => {
    const mine = ++edit;
    const packed = await pack(pixels);
    if (mine === edit) save((drawn = packed));
  };
  const put = (sheet) => {
    pixels = sheet;
    edit++;
    [canvas.width, canvas.height] = [pixels.width, pixels.height];
    screen.putImageData(pixels, 0, 0);
    status.textContent = "";
    pen = null; // where it was may lie beyond the new edges
    moveTo(at);
  };
  const clear = () => {
    put(new ImageData(SIDE, SIDE));
    changed();
    save((drawn = ""));
  };
  const drawTo = (point) => {
    screen.putImageData(pixels, 0, 0, ...drawLine(pixels, pen, point));
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

  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    try {
      put(await openImage(file.files[0], SIDE));
      changed();
      keepDrawing();
    } catch (error) {
      status.textContent = error.message;
    }
    file.value = ""; // or the same file could not be chosen again
  });

  put(new ImageData(SIDE, SIDE));
  /** Show a drawing that was saved, if it is another: by another copy of this view, or before a reload of the page. */
  const show = async (saved) => {
    if (saved === drawn) return;
    drawn = saved;
    const sheet = saved ? await unpack(saved, SIDE) : new ImageData(SIDE, SIDE);
    if (saved !== drawn) return; // something newer has come
    put(sheet);
    changed();
  };
  return { element, show };
}
