// The state of a view: what the reader has chosen, and what is computed only when that changes.

/**
 * Make the state of a view, which has `initial` values until the reader chooses others. The model
 * stores those, so they outlast a reload, and all copies of the view show the same. Subscribers are
 * called at once and on each change.
 */
export function createState(model, initial) {
  const get = () => ({ ...initial, ...model.get("chosen") });
  function update(changes) {
    model.set("chosen", { ...model.get("chosen"), ...changes });
    model.save_changes();
  }

  function subscribe(show) {
    model.on("change:chosen", () => show(get()));
    show(get());
  }
  return { get, update, subscribe };
}

/** A model for a view inside another, which keeps what is `chosen` as long as the page is open. */
export function localModel(chosen = {}) {
  const callbacks = [];
  return {
    get: () => chosen,
    set(name, value) {
      chosen = value;
      for (const callback of callbacks) callback();
    },
    on: (event, callback) => callbacks.push(callback),
    save_changes() {},
  };
}

/** Wrap a function so that it computes again only when its argument, plain data, changes. */
export function memoizeLast(compute) {
  let lastKey = null;
  let result;
  return (argument) => {
    const key = JSON.stringify(argument);
    if (key !== lastKey) {
      lastKey = key;
      result = compute(argument);
    }
    return result;
  };
}
