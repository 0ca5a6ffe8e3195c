/* The console works without this; with it, times stand in the reader's zone and nothing is done by mistake. */
(() => {
  "use strict";

  const FORMATS = {
    short: { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" },
    long: { dateStyle: "full", timeStyle: "long" },
    date: { day: "numeric", month: "short", year: "numeric" },
    clock: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  };

  /* Times as the reader writes them, in the language of the page. */
  const language = document.documentElement.lang;
  const locale = navigator.languages.find((each) => each.startsWith(language)) || language;

  function localTimes(root) {
    for (const time of root.querySelectorAll("time[datetime]")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.textContent = new Intl.DateTimeFormat(locale, FORMATS[time.dataset.form] || FORMATS.short).format(at);
      time.title = new Intl.DateTimeFormat(locale, FORMATS.long).format(at);
    }
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /* What this says to a person: the page brings it along, in the person's language. */
  const saying = document.body.dataset;

  /* Asks in a dialog; resolves to whether the person went on. */
  function ask(text, action, dangerous) {
    return new Promise((resolve) => {
      const dialog = element("dialog");
      const words = element("p", text);
      words.id = "dialog-words";
      dialog.setAttribute("aria-labelledby", words.id);
      const no = element("button", saying.cancel, "plain");
      const yes = element("button", action, dangerous ? "danger" : "");
      const buttons = element("div", "", "buttons");
      no.type = yes.type = "button";
      buttons.append(no, yes);
      dialog.append(words, buttons);
      no.addEventListener("click", () => dialog.close());
      yes.addEventListener("click", () => dialog.close("yes"));
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      document.body.append(dialog);
      dialog.showModal();
      no.focus();
    });
  }

  async function confirmed(event) {
    const form = event.target;
    const button = event.submitter;
    const question = button?.dataset.confirm || form.dataset.confirm;
    if (!question || form.dataset.sure) return busy(form, button);
    event.preventDefault();
    if (!(await ask(question, button?.textContent.trim() || saying.goOn, button?.classList.contains("danger")))) return undefined;
    form.dataset.sure = "yes";
    const sure = element("input");
    Object.assign(sure, { type: "hidden", name: "sure", value: "yes" });
    form.append(sure);
    form.requestSubmit(button || undefined);
    delete form.dataset.sure;
    return undefined;
  }

  /* A post that is under way is not sent twice; it says so. A page from the history is ready again. */
  function busy(form, button) {
    if (form.method !== "post") return;
    for (const each of form.querySelectorAll("button")) setTimeout(() => { each.disabled = true; });
    button?.setAttribute("aria-busy", "true");
  }

  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const each of document.querySelectorAll("button[aria-busy], form button:disabled")) {
      each.disabled = false;
      each.removeAttribute("aria-busy");
    }
  });

  async function copy(button) {
    const source = document.querySelector(button.dataset.copy);
    const text = "value" in source ? source.value : source.textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      source.select?.();
      document.execCommand("copy");
    }
    const before = button.textContent;
    button.textContent = saying.copied;
    setTimeout(() => { button.textContent = before; }, 2000);
  }

  /* <div data-progress="/console/…"> with a <progress> and a .progress-words: asks until it is finished. */
  async function follow(box) {
    const bar = box.querySelector("progress");
    const words = box.querySelector(".progress-words");
    for (;;) {
      const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } }).catch(() => null);
      const state = answer && answer.ok ? await answer.json() : null;
      if (state) {
        bar.max = state.total || 1;
        bar.value = state.done;
        words.textContent = state.words;
        if (state.finished) {
          if (state.then) location.replace(state.then);
          return;
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  /* A box that ticks all boxes of its table, and words that say how many are ticked. */
  function selection(form) {
    const all = form.querySelector("[data-all]");
    const boxes = [...form.querySelectorAll("[data-one]")];
    const words = form.querySelector("[data-chosen]");
    const counts = JSON.parse(words?.dataset.counts || "[]");
    const look = () => {
      const count = boxes.filter((box) => box.checked).length;
      if (all) {
        all.checked = count > 0 && count === boxes.length;
        all.indeterminate = count > 0 && count < boxes.length;
      }
      for (const box of boxes) box.closest("tr")?.classList.toggle("selected", box.checked);
      if (words) words.textContent = count ? counts[count - 1] : words.dataset.chosen;
    };
    all?.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; look(); });
    for (const box of boxes) box.addEventListener("change", look);
    look();
  }

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const field of document.querySelectorAll("[data-zone]")) field.value = zone || "";
  localTimes(document);
  document.addEventListener("submit", confirmed);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (button) copy(button);
  });
  for (const box of document.querySelectorAll("[data-progress]")) follow(box);
  for (const form of document.querySelectorAll("[data-selection]")) selection(form);

  /* For the other scripts of the console. */
  window.leadferry = { ask, localTimes, csrf: () => document.querySelector("[name=csrf_token]")?.value || "" };
})();
