// What a form's pages do for their visitor where scripts run. Without this file they work all the same: the form is
// posted plainly, and the server answers with a page.
//
// The request that carries the lead never moves a page: the answers go by fetch, and only what comes back leads on.
(() => {
  "use strict";

  const root = document.documentElement;
  const main = document.querySelector("main");
  const form = document.querySelector("form[data-answers]");
  const isFramed = window.parent !== window;

  if (isFramed) {
    root.classList.add("framed");
    listenToHost();
    tellHost("ready");
    watchHeight();
  }
  if (form) {
    form.addEventListener("submit", send);
    // A sandbox without allow-forms swallows the submit event, but not the click that would cause it.
    form.querySelector("button[type=submit]").addEventListener("click", (event) => {
      if (form.noValidate || form.reportValidity()) send(event);
      else event.preventDefault();
    });
    window.addEventListener("pageshow", () => setBusy(false));
  }

  // --- the page that frames this one ---

  // Its script answers "ready" or calls "hello", by which of the two came first; the first to answer is talked to alone.
  var hostOrigin;

  function tellHost(event, more) {
    if (!isFramed) return;
    window.parent.postMessage({ source: "leadferry", v: 1, event, form: root.dataset.form, ...more }, hostOrigin || "*");
  }

  function listenToHost() {
    window.addEventListener("message", ({ source, origin, data }) => {
      if (source !== window.parent || !data || data.source !== "leadferry" || data.v !== 1) return;
      if (data.form !== root.dataset.form) return;
      if (data.event === "hello") {
        tellHost("ready");
        tellHeight();
      }
      if (data.event === "campaign" && !hostOrigin) {
        hostOrigin = origin === "null" ? "*" : origin;
        keepCampaign(data.values || {});
        if (root.classList.contains("clear")) root.style.colorScheme = data.scheme === "dark" ? "dark" : "light";
      }
    });
  }

  function watchHeight() {
    let told = 0;
    new ResizeObserver(() => {
      if (height() !== told) tellHeight((told = height()));
    }).observe(root);
  }

  function tellHeight() {
    if (height() > 0) tellHost("height", { height: height() });
  }

  function height() {
    return Math.ceil(root.getBoundingClientRect().height);
  }

  // Where the visit came from, into hidden fields. What this page's own address says was put there on purpose, so it
  // stays; what the server only guessed from the request gives way.
  function keepCampaign(values) {
    if (!form) return;
    for (const guess of form.querySelectorAll("[data-guess]")) guess.remove();
    const page = URL.canParse(values.page_url) ? new URL(values.page_url).searchParams : new URLSearchParams();
    for (const name of JSON.parse(form.dataset.campaign)) {
      const value = values[name] || page.get(name);
      if (typeof value === "string" && value) keepHidden(name, value);
    }
  }

  function keepHidden(name, value) {
    const found = inputs(name)[0];
    if (found && found.value) return;
    const input = found || form.appendChild(document.createElement("input"));
    Object.assign(input, { type: "hidden", name, value: value.slice(0, 2048) });
  }

  // --- sending ---

  var isBusy = false;

  async function send(event) {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    clearProblem();
    try {
      const answer = await post();
      if (answer.Message === "Success") succeed(answer);
      else fail(answer);
    } catch (error) {
      if (navigator.onLine) sendPlainlyNextTime();
      showRefusal("offline");
    }
    setBusy(false);
  }

  async function post() {
    const request = { method: "POST", body: new FormData(form), headers: { Accept: "application/json" }, credentials: "omit" };
    const answer = await (await fetch(form.getAttribute("action"), request)).json();
    if (!["Success", "Error"].includes(answer.Message)) throw new TypeError("not an answer of ours");
    return answer;
  }

  function succeed({ lead }) {
    const next = form.dataset.success;
    if (!isFramed) return location.assign(next || form.dataset.answers);
    tellHost("submitted", { lead });
    showThanks();
    if (next) goTo(next);
  }

  // Where the vendor refused, nothing on this page can be corrected, so the form's own error page takes over.
  function fail({ error_code, msg, errors }) {
    tellHost("error", { error_code });
    const isVendors = !errors.length && !["lf301", "lf501"].includes(error_code);
    if (isVendors && form.dataset.error) return goTo(withError(form.dataset.error, error_code, msg));
    if (errors.length) showErrors(errors);
    else showRefusal(error_code);
  }

  function goTo(url) {
    if (!isFramed) return location.assign(url);
    tellHost("redirect", { url });
    if (hostOrigin) return;
    try {
      window.top.location.href = url;
    } catch (error) {
      // A sandbox forbids it; the link on this page stays.
    }
  }

  function withError(address, error_code, msg) {
    const url = new URL(address);
    url.searchParams.append("error_code", error_code);
    url.searchParams.append("msg", msg);
    return url.href;
  }

  function setBusy(on) {
    isBusy = on;
    form.setAttribute("aria-busy", on);
    form.querySelector("button[type=submit]").setAttribute("aria-disabled", on);
  }

  // Something between here and the server lets no fetch through: perhaps it lets a plain form through.
  function sendPlainlyNextTime() {
    form.removeEventListener("submit", send);
  }

  // --- what became of it, in the same words and elements as the server's own pages ---

  function showThanks() {
    const thanks = copyOf("thanks");
    main.replaceChildren(thanks);
    document.title = main.querySelector("h1").textContent;
    focusOn(main.querySelector("h1"));
  }

  function showErrors(errors) {
    const list = document.createElement("ul");
    for (const error of inPageOrder(errors)) list.append(item(error));
    for (const error of errors) markField(error);
    showProblem(list);
  }

  function showRefusal(code) {
    const words = copyOf("refusals");
    showProblem(words.querySelector(`[data-code="${CSS.escape(code)}"]`) || words.querySelector("[data-code='']"));
  }

  function showProblem(content) {
    const problem = copyOf("problem-frame").firstElementChild;
    problem.append(content);
    form.before(problem);
    document.title = `${problem.dataset.prefix} ${form.dataset.title}`;
    focusOn(problem);
  }

  function clearProblem() {
    const problem = document.getElementById("problem");
    if (problem) problem.remove();
    document.title = form.dataset.title;
    for (const note of form.querySelectorAll(".error")) {
      const described = form.querySelectorAll(`[aria-describedby~="${note.id}"]`);
      for (const each of described) {
        const rest = each.getAttribute("aria-describedby").split(" ").filter((id) => id !== note.id);
        if (rest.length) each.setAttribute("aria-describedby", rest.join(" "));
        else each.removeAttribute("aria-describedby");
        each.removeAttribute("aria-invalid");
      }
      note.remove();
    }
  }

  function markField({ field, message }) {
    const question = questionOf(field);
    if (!question) return;
    const control = question.matches("fieldset") ? question : inputs(field)[0];
    const id = `${control.id}-error`;
    const said = document.getElementById(id);
    if (said) return said.append(" ", message);
    const note = Object.assign(document.createElement("p"), { className: "error", id, textContent: message });
    const above = question.querySelector(":scope > .help") || question.querySelector(":scope > label, :scope > legend");
    if (above) above.after(note);
    else question.prepend(note);
    control.setAttribute("aria-describedby", [id, control.getAttribute("aria-describedby")].filter(Boolean).join(" "));
    if (control.matches("[role=radiogroup], :not(fieldset)")) control.setAttribute("aria-invalid", "true");
  }

  function item({ field, message }) {
    const entry = document.createElement("li");
    const question = questionOf(field);
    if (!question) {
      entry.textContent = message;
      return entry;
    }
    const link = entry.appendChild(document.createElement("a"));
    const label = labelOf(question);
    link.href = `#${inputs(field)[0].id}`;
    link.textContent = message.includes(label) ? message : `${shortened(label)}: ${message}`;
    return entry;
  }

  function inPageOrder(errors) {
    const places = [...form.querySelectorAll(".field")];
    const place = ({ field }) => (questionOf(field) ? places.indexOf(questionOf(field)) : places.length);
    return [...errors].sort((one, other) => place(one) - place(other));
  }

  function questionOf(name) {
    const [input] = inputs(name);
    return input ? input.closest(".field") : null;
  }

  // Not form.elements: a field may be called "elements".
  function inputs(name) {
    return [...form.querySelectorAll("[name]")].filter((each) => each.name === name);
  }

  function labelOf(question) {
    return question.querySelector("legend, label").firstChild.textContent.trim();
  }

  function shortened(label) {
    return label.length > 60 ? `${label.slice(0, 59)}…` : label;
  }

  function focusOn(element) {
    element.tabIndex = -1;
    element.focus();
  }

  function copyOf(id) {
    return document.getElementById(id).content.cloneNode(true);
  }
})();
