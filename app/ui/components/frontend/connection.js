// Streamlit covers the whole page with a dialog when its own connection fails, though labelling goes on without it. The
// dialog is closed, and the side bar says instead what has happened.

const ASK_AGAIN = 3000; // milliseconds

/** Hear what has become of the connection: "" once all is well again, "away" or "signed-out". Gives back what ends it. */
export function watchConnection(listener) {
  let timer = null;
  const look = () => {
    const dialog = document.querySelector('[data-testid="stDialog"] [role="dialog"]');
    if (dialog?.querySelector("h2")?.textContent !== "Connection error") return;
    dialog.querySelector('button[aria-label="Close"]')?.click();
    clearInterval(timer);
    timer = setInterval(check, ASK_AGAIN);
    check();
  };
  const check = async () => {
    const state = await connection();
    if (!state) clearInterval(timer);
    listener(state);
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { childList: true });
  look();
  return () => {
    observer.disconnect();
    clearInterval(timer);
  };
}

async function connection() {
  const reply = await fetch("/_stcore/health").catch(() => null);
  if (reply?.status === 401 || reply?.redirected) return "signed-out";
  return reply?.ok ? "" : "away";
}
