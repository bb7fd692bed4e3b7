// Feature maps as pictures, all of them or the chosen one enlarged: choose a map and a pixel, by pointer or arrow keys.

const GAP = 3; // screen pixels around each map
const WIDTH = 520; // of all maps together, at most
const AREA = { all: WIDTH * 340, enlarged: 211 ** 2 };
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const KEYS = { all: "Click a map, or use the arrow keys.", enlarged: "Click a pixel, or use the arrow keys." };

function render({ model, el }) {
  const kind = model.get("enlarged") ? "enlarged" : "all";
  el.classList.add("mnist-mosaic");
  el.innerHTML = `<canvas tabindex="0" role="application"></canvas><small aria-hidden="true">${KEYS[kind]}</small>`;
  const canvas = el.querySelector("canvas");
  const picture = canvas.getContext("2d");

  const layOut = () => {
    const [count, height, width] = model.get("shape");
    const maps = kind === "all" ? [...Array(count).keys()] : [model.get("chosen")[0]];
    const scale = Math.max(Math.floor((Math.sqrt(AREA[kind] / maps.length) - GAP) / width), 1);
    const [across, down] = [scale * width + GAP, scale * height + GAP]; // from one map to the next
    const columns = Math.min(Math.floor(WIDTH / across), maps.length);
    return { count, height, width, maps, scale, across, down, columns };
  };
  const show = () => {
    const { count, height, width, maps, scale, across, down, columns } = layOut();
    const [chosen, row, column] = model.get("chosen");
    [canvas.width, canvas.height] = [columns * across + GAP, Math.ceil(maps.length / columns) * down + GAP];
    [picture.imageSmoothingEnabled, picture.lineWidth] = [false, GAP];
    [picture.fillStyle, picture.strokeStyle] = ["#9aa5b1", "#cc4055"];
    const corner = (at) => [(at % columns) * across + GAP, Math.floor(at / columns) * down + GAP];
    maps.forEach((map, at) => {
      const [x, y] = corner(at);
      picture.fillRect(x - GAP, y - GAP, across + GAP, down + GAP);
      picture.drawImage(drawn(model.get("pixels"), map, height, width), x, y, scale * width, scale * height);
    });
    const [x, y] = corner(maps.indexOf(chosen));
    const [left, top, wide, high] = kind === "all" ? [x, y, scale * width, scale * height]
      : [x + column * scale, y + row * scale, scale, scale];
    picture.strokeRect(left - GAP / 2, top - GAP / 2, wide + GAP, high + GAP);
    canvas.ariaLabel = kind === "all" ? `All ${count} maps; map ${chosen} is chosen. Arrow keys choose another.`
      : `Map ${chosen}, enlarged; row ${row}, column ${column} is chosen. Arrow keys choose another pixel.`;
  };
  const choose = (map, row, column) => {
    const { count, height, width } = layOut();
    const within = (at, size) => Math.min(Math.max(at, 0), size - 1);
    if (map < 0 || map >= count) return;
    model.set("chosen", [map, within(row, height), within(column, width)]);
    model.save_changes();
  };

  canvas.addEventListener("click", (event) => {
    const { maps, scale, across, down, columns } = layOut();
    const box = canvas.getBoundingClientRect();
    const x = ((event.clientX - box.left) * canvas.width) / box.width - GAP;
    const y = ((event.clientY - box.top) * canvas.height) / box.height - GAP;
    const map = maps[Math.max(Math.floor(y / down), 0) * columns + Math.max(Math.floor(x / across), 0)];
    if (map !== undefined) choose(map, Math.floor((y % down) / scale), Math.floor((x % across) / scale));
  });
  canvas.addEventListener("keydown", (event) => {
    if (!STEPS[event.key]) return;
    event.preventDefault();
    const [map, row, column] = model.get("chosen");
    const [down, right] = STEPS[event.key];
    if (kind === "all") choose(map + down * layOut().columns + right, row, column);
    else choose(map, row + down, column + right);
  });

  model.on("change", show);
  show();
}

// A map as dark ink on white, at its own size.
function drawn({ buffer, byteOffset }, map, height, width) {
  const ink = new Uint8Array(buffer, byteOffset).subarray(map * height * width);
  const image = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) {
    image.data.fill(255 - ink[at], 4 * at, 4 * at + 3);
    image.data[4 * at + 3] = 255;
  }
  const canvas = new OffscreenCanvas(width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

export default { render };
