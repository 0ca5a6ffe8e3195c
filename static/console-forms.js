/* The editor without waiting: what is typed is saved as a draft, and the preview follows. Without this file each
   button is a post, and the page that comes back says the same. */
(() => {
  "use strict";

  const PAUSE = 700; // milliseconds without a key after which what was typed is saved
  const form = document.querySelector("[data-editor]");
  const told = document.getElementById("told");
  let timer;
  let isUnsaved = false;
  let running = Promise.resolve();
  let isLeaving = false;

  const part = (page, id) => page.getElementById(id);

  function say(words) {
    if (told) told.textContent = words;
  }

  /* One after the other: each post needs the revision that the one before it made. */
  function send(button) {
    clearTimeout(timer);
    running = running.then(() => post(button)).catch(() => say(form.dataset.unsaved));
    return running;
  }

  async function post(button) {
    if (isLeaving) return;
    isUnsaved = false;
    const body = new URLSearchParams(new FormData(form));
    body.set("do", button ? button.value : "save");
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } });
    if (!answer.ok) return leave(button);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!part(page, "seen") || !part(page, "status")) return leave(button);
    take(page, button, new URL(answer.url).searchParams.get("open"));
  }

  /* What cannot be shown in place, such as that somebody else was faster, is a page of its own. */
  function leave(button) {
    isLeaving = true;
    const hidden = document.createElement("input");
    Object.assign(hidden, { type: "hidden", name: "do", value: button ? button.value : "save" });
    form.append(hidden);
    form.submit();
  }

  function take(page, button, place) {
    const before = document.querySelector("#seen [name=revision]").value;
    replace(page, "seen");
    replace(page, "status");
    replace(page, "head");
    if (button && button.value !== "save") reshape(page, button, place);
    else {
      for (const each of page.querySelectorAll("[data-trouble]")) setTrouble(each);
      for (const each of page.querySelectorAll("[data-summary]")) setWords(each);
    }
    const after = document.querySelector("#seen [name=revision]").value;
    if (after === before) return;
    const frame = document.getElementById("preview");
    frame.src = part(page, "preview").getAttribute("src");
    say(part(page, "mistakes") ? form.dataset.toMend : form.dataset.saved);
  }

  function replace(page, id) {
    const old = document.getElementById(id);
    const made = part(page, id);
    if (!old || !made) return;
    old.replaceWith(document.adoptNode(made));
    window.leadferry?.localTimes(document.getElementById(id));
  }

  function setWords(made) {
    const old = document.getElementById(made.id);
    if (old) old.replaceChildren(...[...made.childNodes].map((node) => document.adoptNode(node)));
    return old;
  }

  function setTrouble(made) {
    const slot = setWords(made);
    if (!slot) return;
    const control = document.getElementById(made.id.replace("trouble-", "c-"));
    if (control) control.toggleAttribute("aria-invalid", Boolean(slot.querySelector(".error")));
    if (control && control.hasAttribute("aria-invalid")) control.setAttribute("aria-invalid", "true");
  }

  /* Questions came, went or moved: all controls anew, those that were open open again, the focus where it was. */
  function reshape(page, button, place) {
    const open = [...document.querySelectorAll("[data-card][open]")].map((card) => card.dataset.card);
    const focus = document.activeElement && document.activeElement.id;
    replace(page, "controls");
    const cards = [...document.querySelectorAll("[data-card]")];
    for (const card of cards) card.open = open.includes(card.dataset.card);
    const [what, number] = button.value.split(":");
    const again = document.querySelector(`button[value="${what}:${place || number}"]:enabled`);
    const beside = cards[Math.min(Number(place || number) || 0, cards.length - 1)];
    const target = (focus && document.getElementById(focus)) || again || (beside && beside.querySelector("summary"));
    if (target) target.focus();
  }

  function later() {
    isUnsaved = true;
    clearTimeout(timer);
    timer = setTimeout(() => send(null), PAUSE);
  }

  function onChange({ target }) {
    if (!form.contains(target) || !target.name || /^(preview-width|new_)/.test(target.name)) return;
    if ("reshape" in target.dataset) send({ value: "reshape" });
  }

  /* Before this file was there to hear of it. */
  function wasChosen({ options, selectedIndex }) {
    return selectedIndex !== Math.max(0, [...options].findIndex((each) => each.defaultSelected));
  }

  function onInput({ target }) {
    if (target.name && !/^(preview-width|new_)/.test(target.name)) later();
  }

  function onSubmit(event) {
    if (isLeaving) return;
    event.preventDefault();
    event.stopPropagation();
    const button = event.submitter;
    send(button).then(() => {
      for (const each of form.querySelectorAll("button[aria-busy]")) each.removeAttribute("aria-busy");
      if (button && button.value === "add") showLast();
    });
  }

  function showLast() {
    const cards = document.querySelectorAll("[data-card]");
    const last = cards[cards.length - 1];
    if (!last) return;
    last.open = true;
    last.querySelector("input:not([type=hidden])").focus();
    last.scrollIntoView({ block: "nearest" });
  }

  /* A link to a control opens what it stands in; one to a line of the text selects it. */
  function onClick(event) {
    const link = event.target.closest("a[href]");
    if (!link) return;
    if (!link.getAttribute("href").startsWith("#")) return goOn(link, event);
    if (link.dataset.line) return showLine(Number(link.dataset.line), event);
    const target = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    for (let each = target; each; each = each.parentElement) if (each.localName === "details") each.open = true;
    if (target && form.contains(target)) {
      event.preventDefault();
      target.focus();
    }
  }

  /* What was typed a moment ago is saved first. */
  function goOn(link, event) {
    if (!isUnsaved || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    send(null).then(() => {
      if (!isLeaving) location.assign(link.href);
    });
  }

  function onHide() {
    if (isUnsaved && document.visibilityState === "hidden") send(null);
  }

  function showLine(line, event) {
    const text = document.getElementById("text");
    if (!text) return;
    if (event) event.preventDefault();
    const lines = text.value.split("\n");
    const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    text.focus();
    text.setSelectionRange(start, start + (lines[line - 1] || "").length);
    text.scrollTop = (text.scrollHeight / lines.length) * Math.max(0, line - 5);
  }

  /* The rehearsal of the page where a form is published begins by itself, and says that it is under way. */
  async function rehearse(box) {
    box.setAttribute("aria-busy", "true");
    const slow = setTimeout(() => {
      const bar = document.createElement("progress");
      bar.setAttribute("aria-label", box.dataset.trying);
      box.append(bar);
    }, 400);
    const answer = await fetch(box.dataset.rehearse).catch(() => null);
    clearTimeout(slow);
    box.removeAttribute("aria-busy");
    if (!answer || !answer.ok) return box.querySelector("progress")?.remove();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    box.replaceChildren(...[...page.body.childNodes].map((node) => document.adoptNode(node)));
  }

  for (const box of document.querySelectorAll("[data-rehearse]")) rehearse(box);
  if (!form) return;
  form.addEventListener("submit", onSubmit, true);
  form.addEventListener("input", onInput);
  form.addEventListener("change", onChange);
  document.addEventListener("click", onClick);
  document.addEventListener("visibilitychange", onHide);
  if ([...form.querySelectorAll("select[data-reshape]")].some(wasChosen)) send({ value: "reshape" });
  const line = /^#line-(\d+)$/.exec(location.hash);
  if (line) showLine(Number(line[1]));
})();
