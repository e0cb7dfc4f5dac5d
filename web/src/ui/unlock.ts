/** Asks for the server's key. */

import { el } from "./dom";

export class Unlock {
  private readonly dialog = el<HTMLDialogElement>("unlock");
  private readonly input = el<HTMLInputElement>("unlock-key");

  constructor(given: (key: string) => void) {
    this.dialog.addEventListener("close", () => {
      const key = this.input.value.trim();
      this.input.value = "";
      if (this.dialog.returnValue === "use" && key !== "") given(key);
      this.dialog.returnValue = "";
    });
  }

  ask(): void {
    if (!this.dialog.open) this.dialog.showModal();
  }
}
