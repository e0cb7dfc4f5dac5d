/** Starts the page and binds what the user can do. */

import "./styles/base.css";
import "./styles/stage.css";
import "./styles/dock.css";
import "./styles/chooser.css";
import "./styles/notice.css";
import "./styles/unlock.css";
import { App } from "./app";
import { expose } from "./probe";
import { takeKey } from "./protocol/key";
import { el } from "./ui/dom";

takeKey();
const app = new App();
const text = el<HTMLInputElement>("text");

el("language").addEventListener("click", () => app.switchLanguage());
el("mic").addEventListener("click", () => void app.microphone.toggle());
el("interrupt").addEventListener("click", () => app.interrupt());
el("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const said = text.value.trim();
  text.value = "";
  if (said !== "") app.say(said);
});
// Sound needs one gesture on the page, whichever it is.
document.addEventListener("pointerdown", () => app.wake(), { once: true });

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const writing = event.target instanceof HTMLInputElement && event.target.type === "text";
  if (event.key === "Escape" && !el("chooser").matches(":popover-open")) app.interrupt();
  else if (writing) return;
  else if (event.key === "m" || event.key === "M") void app.microphone.toggle();
  else if (event.key === "/") {
    event.preventDefault();
    text.focus();
  }
});

window.addEventListener("online", () => app.online());
window.addEventListener("pagehide", () => app.hangUp());
expose(app);
app.start();
