// Proof of work for a form that asks for it (ALTCHA, version 1): the browser looks for the number that the server thought
// of, while the visitor fills in the form. Both come from the form's own server, and nothing goes anywhere else.
(() => {
  "use strict";

  const PATIENCE = 15000; // milliseconds that a visitor waits at most, if the form was filled in faster than this
  const AT_ONCE = 200; // hashes between two breaths of the page

  const form = document.querySelector("form[data-challenge]");
  if (!form) return;

  let isDone = false;
  const done = solve().catch(() => null).finally(() => (isDone = true));

  async function solve() {
    const puzzle = await (await fetch(form.dataset.challenge, { credentials: "omit" })).json();
    const number = await search(puzzle);
    if (number === null) return;
    const { algorithm, challenge, salt, signature } = puzzle;
    const input = form.appendChild(document.createElement("input"));
    const value = btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
    Object.assign(input, { type: "hidden", name: "_lf_altcha", value });
  }

  async function search({ algorithm, challenge, salt, maxNumber }) {
    const text = new TextEncoder();
    for (let first = 0; first <= maxNumber; first += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, maxNumber - first + 1) }, (_, i) => first + i);
      const hash = (number) => crypto.subtle.digest(algorithm, text.encode(salt + number));
      const found = (await Promise.all(numbers.map(hash))).findIndex((each) => hex(each) === challenge);
      if (found >= 0) return numbers[found];
      await new Promise((go) => setTimeout(go));
    }
    return null;
  }

  function hex(buffer) {
    return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  // Before the form's own script hears of it. Whoever is not done in time sends without, and is held, not refused.
  document.addEventListener(
    "click",
    async (event) => {
      const button = event.target.closest("button[type=submit]");
      if (isDone || !button || button.form !== form) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      await Promise.race([done, new Promise((go) => setTimeout(go, PATIENCE))]);
      isDone = true;
      button.click();
    },
    { capture: true },
  );
})();
