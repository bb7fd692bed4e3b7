// Say, in the place of a view that could not be loaded, what went wrong. This script stands in each
// page and is no module, as it may be modules that the browser refuses.

const OPENED_AS_FILE =
  "This page was opened as a file, and browsers then block its scripts. Go to the folder of the " +
  "site's first page, index.html, start `python -m http.server --bind 127.0.0.1` there, and open " +
  "http://localhost:8000.";
const START_WITH_TYPE =
  "If it is Python's, stop it, go to the folder of the site's first page, index.html, and start " +
  "it there with " +
  '`python -c "import http.server as s; ' +
  "h = s.SimpleHTTPRequestHandler; h.extensions_map['.js'] = 'text/javascript'; " +
  "s.test(h, bind='127.0.0.1')\"`. If it is another, set it to send .js files as text/javascript.";

/** Say what is wrong with a file of the site, and what to do; commands stand between backticks. */
async function explainLoadError(address) {
  if (location.protocol === "file:") return OPENED_AS_FILE;
  if (!address) return "Reload the page to try again.";
  const name = new URL(address).pathname.split("/").at(-1);
  const answer = await fetch(address, { cache: "no-cache" }).catch(() => null);
  if (!answer)
    return `The server did not send ${name}. Make sure that it still runs, and reload the page.`;
  if (!answer.ok) {
    return (
      `The server answers ${answer.status} to the request for ${name}. ` +
      "Reload the page; if that does not help, build the site again."
    );
  }
  const type = answer.headers.get("content-type")?.split(";")[0] ?? "files of no type";
  if (name.endsWith(".js") && !type.includes("javascript")) {
    return (
      `The server sends scripts as ${type}, and browsers run only those sent as text/javascript. ` +
      START_WITH_TYPE
    );
  }
  const failed = `The server sent ${name} as ${type}, which could not be used.`;
  return `${failed} Reload the page to try again.`;
}

/**
 * Add to the fallback of a view why it could not be loaded; `address` is that of the file that
 * failed, if one did.
 */
async function showLoadError(el, address) {
  const paragraph = document.createElement("p");
  const parts = (await explainLoadError(address)).split("`");
  paragraph.append("This view could not be loaded. ");
  parts.forEach((part, i) => {
    const isCommand = i % 2 === 1; // between backticks
    const code = document.createElement("code");
    code.append(part);
    paragraph.append(isCommand ? code : part);
  });
  el.append(paragraph);
}

// Notice that site.js itself could not be loaded. Such an event does not bubble, but passes the
// window on its way to the element.
addEventListener(
  "error",
  ({ target }) => {
    if (target.type !== "module") return;
    for (const el of document.querySelectorAll("[data-view]")) showLoadError(el, target.src);
  },
  { capture: true },
);
