// How Streamlit mounts a component: it calls the same function for the first run of the script and for every later one.

/**
 * The default export of a component's module.
 * @param make (root, data, tell) → the component, which has `end()`
 * @param renew (component, data, tell) is told what a later run of the script says
 */
export function mounting(make, renew) {
  const mounted = new WeakMap();
  return ({ data, parentElement, setTriggerValue }) => {
    let entry = mounted.get(parentElement);
    if (entry) renew(entry.component, data, setTriggerValue);
    else {
      entry = { component: make(parentElement, data, setTriggerValue), cleanup: () => leave(parentElement) };
      mounted.set(parentElement, entry);
    }
    return entry.cleanup;
  };

  function leave(parentElement) {
    // Streamlit also calls this for a superseded run while the component lives.
    if ((parentElement.host ?? parentElement).isConnected) return;
    mounted.get(parentElement)?.component.end();
    mounted.delete(parentElement);
  }
}
