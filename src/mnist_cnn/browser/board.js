// A line of text that screen readers announce when it changes, and a body of HTML below it; the kernel writes both.

const PLAY_BUTTONS = ["Play or pause", "Stop", "Repeat"];

// Arrow keys on a control of ours are not to move through the notebook as well.
const ownKeys = (event) => (event.target.dataset.lmSuppressShortcuts = "true");

function render({ model, el }) {
  const caption = document.createElement("p");
  const body = document.createElement("div");
  caption.setAttribute("role", "status");
  el.classList.add("mnist-board");
  el.append(caption, body);

  const show = () => {
    caption.textContent = model.get("caption");
    body.innerHTML = model.get("body");
  };
  model.on("change", show);
  show();

  // What JupyterLab and ipywidgets leave undone, once the view stands on the page: keys of its own, names for controls.
  const observer = new IntersectionObserver(() => {
    const view = el.closest(".mnist-view");
    if (!view) return;
    view.addEventListener("focusin", ownKeys);
    for (const handle of view.querySelectorAll("[role=slider]")) {
      handle.setAttribute("aria-label", handle.closest(".widget-slider").querySelector(".widget-label").textContent);
    }
    for (const play of view.querySelectorAll(".widget-play")) {
      play.querySelectorAll("button").forEach((button, at) => button.setAttribute("aria-label", PLAY_BUTTONS[at]));
    }
  });
  observer.observe(el);
  return () => observer.disconnect();
}

export default { render };
