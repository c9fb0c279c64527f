// Streamlit covers the whole page with a dialog when its own connection fails, though labelling goes on without it. The
// dialog is closed, and the side bar says instead what has happened.

const ASK_AGAIN = 3000; // milliseconds

/** Hear what has become of the connection: "" while all is well, "away" or "signed-out". Gives back what ends it. */
export function watchConnection(listener) {
  let timer = null;
  const look = () => {
    const dialog = document.querySelector('[data-testid="stDialog"] [role="dialog"]');
    if (dialog?.querySelector("h2")?.textContent !== "Connection error") return;
    const isSignedOut = /\b401\b/.test(dialog.textContent);
    dialog.querySelector('button[aria-label="Close"]')?.click();
    listener(isSignedOut ? "signed-out" : "away");
    clearInterval(timer);
    if (!isSignedOut) timer = setInterval(askAgain, ASK_AGAIN);
  };
  const askAgain = async () => {
    const isBack = await fetch("/healthz").then((reply) => reply.ok, () => false);
    if (!isBack) return;
    clearInterval(timer);
    listener("");
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true });
  look();
  return () => {
    observer.disconnect();
    clearInterval(timer);
  };
}
