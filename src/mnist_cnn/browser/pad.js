// A pad to draw on with mouse, pen, finger or keyboard. It draws at once; the kernel gets a copy when it is ready.

const SIDE = 280;
const PEN = 22;
const STEPS = { ArrowUp: [0, -8], ArrowDown: [0, 8], ArrowLeft: [-8, 0], ArrowRight: [8, 0] };
const KEYS = "With the keyboard: arrow keys move the pen, Space puts it down or lifts it, Delete clears.";

function render({ model, el }) {
  el.classList.add("mnist-pad");
  el.innerHTML = `
    <div class="paper"><canvas tabindex="0" role="application"
      aria-label="Pad to draw a digit on. ${KEYS}"></canvas><i hidden></i></div>
    <div><button class="jupyter-button">Clear</button><button class="jupyter-button">Open an image…</button>
      <input type="file" accept="image/*" hidden></div>
    <small aria-hidden="true">${KEYS}</small><p role="status"></p>`;
  const canvas = el.querySelector("canvas");
  const cursor = el.querySelector("i");
  const [clearButton, openButton] = el.querySelectorAll("button");
  const file = el.querySelector("input");
  const status = el.querySelector("p");
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  let pen = null; // where the pen was last, while it is down
  let at = [SIDE / 2, SIDE / 2]; // where the keyboard's pen is
  let waiting = false; // for the kernel's answer
  let changed = false; // since the kernel got its copy

  const send = () => {
    changed = true;
    if (waiting) return;
    const { data, width, height } = ink.getImageData(0, 0, canvas.width, canvas.height);
    changed = false;
    waiting = true;
    canvas.ariaBusy = true;
    model.set({ shape: [height, width, 4], pixels: new DataView(data.buffer), sent: model.get("sent") + 1 });
    model.save_changes();
  };
  model.on("change:answered", () => {
    waiting = false;
    canvas.ariaBusy = changed;
    if (changed) send();
  });

  const resize = (width, height) => {
    [canvas.width, canvas.height] = [width, height];
    [ink.lineWidth, ink.lineCap, ink.lineJoin] = [PEN, "round", "round"];
  };
  const clear = () => {
    resize(SIDE, SIDE);
    [pen, status.textContent] = [null, ""];
    send();
  };
  const drawTo = (point) => {
    ink.beginPath();
    ink.moveTo(...pen);
    ink.lineTo(point[0] + 0.01, point[1]); // a line of no length would leave no dot
    ink.stroke();
    pen = point;
    send();
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
      if (event.isPrimary) pen = null;
    });
  }

  const showCursor = () => {
    [cursor.hidden, cursor.className] = [false, pen ? "down" : ""];
    [cursor.style.left, cursor.style.top] = [`${at[0]}px`, `${at[1]}px`];
  };
  canvas.addEventListener("blur", () => ([pen, cursor.hidden] = [null, true]));
  canvas.addEventListener("keydown", (event) => {
    if (event.key === "Delete" || event.key === "Backspace") clear();
    else if (event.key === " ") {
      pen = pen ? null : [...at];
      if (pen) drawTo(pen);
    } else if (STEPS[event.key]) {
      at = at.map((value, axis) => Math.min(Math.max(value + STEPS[event.key][axis], 0), SIDE));
      if (pen) drawTo([...at]);
    } else return;
    event.preventDefault();
    showCursor();
  });

  clearButton.addEventListener("click", clear);
  openButton.addEventListener("click", () => file.click());
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const image = new Image();
    image.src = URL.createObjectURL(file.files[0]);
    const readable = await image.decode().then(() => image.naturalWidth > 0, () => false);
    if (readable) {
      const scale = SIDE / Math.max(image.naturalWidth, image.naturalHeight);
      resize(...[image.naturalWidth, image.naturalHeight].map((side) => Math.max(Math.round(side * scale), 1)));
      ink.imageSmoothingQuality = "high";
      ink.drawImage(image, 0, 0, canvas.width, canvas.height);
      status.textContent = "";
      send();
    } else {
      status.textContent = "This file is not an image that the browser can show. Choose another, such as PNG or JPEG.";
    }
    URL.revokeObjectURL(image.src);
    file.value = ""; // or the same file could not be chosen again
  });

  const [height, width] = model.get("shape");
  resize(width || SIDE, height || SIDE);
  if (height) {
    // Shown again, as after a reload of the page: the kernel still has the drawing.
    const { buffer, byteOffset, byteLength } = model.get("pixels");
    ink.putImageData(new ImageData(new Uint8ClampedArray(buffer, byteOffset, byteLength), width), 0, 0);
  }
}

export default { render };
