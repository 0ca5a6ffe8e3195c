// What a form's pages do for their visitor where scripts run. Without this file they work all the same: the form is
// posted plainly, and the server answers with a page.
//
// The request that carries the lead never moves a page: the answers go by fetch, and only what comes back leads on.
(() => {
  "use strict";

  const root = document.documentElement;
  const main = document.querySelector("main");
  const form = document.querySelector("form[data-thanks]"); // the thank-you page has none
  const button = form && form.querySelector("button[type=submit]");
  const label = form && button.textContent;
  const words = form && JSON.parse(form.dataset.words);
  const questions = form ? JSON.parse(form.dataset.questions) : {}; // as leadferry/questions.py describes them
  const steps = form ? [...form.querySelectorAll("section")] : [];
  const [back, next] = form ? form.querySelectorAll("button[type=button]") : [];
  const forced = new Set(); // names of questions that the server asks for, whatever this page makes of the answers
  const isFramed = window.parent !== window;

  let hostOrigin; // of the page that frames this one, once its script has answered
  let heightTold = 0;
  let isBusy = false;
  let isPlain = false; // something between here and the server lets no fetch through: a plain form may get through

  // --- the page that frames this one ---

  function tellHost(event, more) {
    const message = { source: "leadferry", v: 1, event, form: root.dataset.form, ...more };
    if (isFramed) window.parent.postMessage(message, hostOrigin || "*");
  }

  // Its script answers "ready", or calls "hello" where it came later. The first to answer is talked to alone from then.
  function hear({ source, origin, data }) {
    if (source !== window.parent || !data || data.source !== "leadferry" || data.v !== 1) return;
    if (data.form !== root.dataset.form) return;
    if (data.event === "hello") {
      tellHost("ready");
      tellHeight();
    }
    if (data.event === "campaign" && !hostOrigin) {
      hostOrigin = origin === "null" ? "*" : origin;
      if (root.classList.contains("clear")) root.style.colorScheme = data.scheme === "dark" ? "dark" : "light";
      if (form) takeOver(data.values || {});
    }
    if (data.event === "stuck") reportStuck();
  }

  function height() {
    return Math.ceil(root.getBoundingClientRect().height);
  }

  function tellHeight() {
    heightTold = height();
    if (heightTold > 0) tellHost("height", { height: heightTold });
  }

  // Where the visit came from, into hidden fields. What this page's own address said was put there on purpose, so it
  // stays; what the server could only guess gives way. Answers that the host page's address has fill what is empty.
  function takeOver(values) {
    for (const guess of form.querySelectorAll("[data-guess]")) guess.value = "";
    const page = queryOf(values.page_url);
    for (const name of JSON.parse(form.dataset.campaign)) {
      const value = values[name] || page.get(name);
      if (typeof value === "string" && value) keepHidden(name, value);
    }
    for (const name of named("fill")) fill(name, page.getAll(name));
    refresh();
  }

  function keepHidden(name, value) {
    const found = inputs(name)[0];
    if (found && found.value) return;
    const input = found || form.appendChild(document.createElement("input"));
    Object.assign(input, { type: "hidden", name, value: value.slice(0, 2048) });
  }

  function queryOf(address) {
    try {
      return new URL(address).searchParams;
    } catch (error) {
      return new URLSearchParams();
    }
  }

  // --- sending ---

  // A sandbox without allow-forms swallows the submit event, but not the click that would have caused it. The Enter key
  // clicks too, in any step.
  function onSubmit(event) {
    if (isPlain && !button.hidden) return;
    event.preventDefault();
    if (button.hidden) goOn();
    else send();
  }

  async function send() {
    if (isBusy || !isRight(steps)) return;
    setBusy(true);
    const answer = await post();
    if (!answer) {
      isPlain = navigator.onLine;
      showRefusal(words.unsent);
    } else if (answer.Message === "Success") succeed(answer);
    else fail(answer);
  }

  // The server's answer, or null where there is none, or one of something in between.
  async function post() {
    keepHidden("_lf_page", pageFacts());
    const headers = { Accept: "application/json" };
    const request = { method: "POST", body: new FormData(form), headers, credentials: "omit" };
    try {
      const answer = await (await fetch(form.getAttribute("action"), request)).json();
      return ["Success", "Error"].includes(answer.Message) ? answer : null;
    } catch (error) {
      return null;
    }
  }

  function succeed({ lead, url }) {
    const { thanks } = form.dataset;
    const success = url || form.dataset.success;
    history.replaceState(null, "");
    if (!isFramed) return location.assign(success || thanks);
    tellHost("submitted", { lead });
    showThanks(thanks);
    if (success) goTo(success);
  }

  // Where the vendor refused, nothing on this page can be corrected: the form's own error page, if any, takes over.
  function fail({ error_code, msg, errors }) {
    const isVendors = !errors.length && !["lf301", "lf501"].includes(error_code);
    tellHost("error", { error_code });
    if (errors.length) showErrors(errors);
    else showRefusal(words.refusals[error_code] || words.refusals.other);
    if (!isVendors || !form.dataset.error) return;
    keepAnswers();
    goTo(withError(form.dataset.error, error_code, msg));
  }

  function goTo(url) {
    if (!isFramed) return location.assign(url);
    tellHost("redirect", { url });
    if (!hostOrigin && !moveTop(url)) reportStuck();
  }

  // False where a sandbox forbids it.
  function moveTop(url) {
    try {
      window.top.location.href = url;
      return true;
    } catch (error) {
      return false;
    }
  }

  // What kind of page this form stands on, for whoever looks after the page; leadferry/doctor.py reads it.
  function pageFacts() {
    let depth = 0;
    for (let each = window; each !== each.parent && depth < 3; each = each.parent) depth += 1;
    const { ancestorOrigins } = window.location; // not in every browser
    const top = depth > 1 && ancestorOrigins ? ancestorOrigins[ancestorOrigins.length - 1].replace(/^.*:\/\//, "") : "";
    const snippet = window.name.startsWith("leadferry-") ? window.name.slice(10) : "";
    const opaque = Number(window.origin === "null");
    return `depth=${depth} script=${Number(Boolean(hostOrigin))} opaque=${opaque} top=${top} snippet=${snippet}`;
  }

  // The lead has been taken by now, and the page may not be moved to the next one.
  function reportStuck() {
    const said = { _lf_page: `${pageFacts()} stuck=1`, page_url: inputs("page_url").map(({ value }) => value)[0] || "" };
    navigator.sendBeacon(`${form.getAttribute("action")}/progress`, new URLSearchParams(said));
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
    button.setAttribute("aria-disabled", on);
    button.textContent = on ? words.sending : label;
    document.getElementById("status").textContent = on ? words.sending : "";
  }

  // --- what became of it, in the words and elements of the server's own pages ---

  async function showThanks(address) {
    try {
      const page = new DOMParser().parseFromString(await (await fetch(address)).text(), "text/html");
      main.replaceChildren(...page.querySelector("main").childNodes);
      document.title = page.title;
      focusOn(main.querySelector("h1"));
    } catch (error) {
      location.replace(address);
    }
  }

  function showErrors(errors) {
    const list = document.createElement("ul");
    const ordered = inPageOrder(errors);
    for (const { field } of errors) if (inputs(field).some(({ disabled }) => disabled)) forced.add(field);
    refresh();
    list.append(...ordered.map(listed));
    errors.forEach(markQuestion);
    showStep(stepOf(questionOf(ordered[0].field)));
    showProblem(list);
  }

  function showRefusal([heading, sentence]) {
    const paragraph = document.createElement("p");
    paragraph.append(made("strong", { textContent: `${heading}.` }), ` ${sentence}`);
    showProblem(paragraph);
  }

  function showProblem(content) {
    const problem = made("div", { className: "problem", id: "problem" });
    problem.setAttribute("role", "alert");
    problem.setAttribute("aria-labelledby", "problem-title");
    problem.append(made("h2", { id: "problem-title", textContent: words.problem }), content);
    main.insertBefore(problem, form);
    document.title = words.error_title;
    setBusy(false);
    focusOn(problem);
  }

  function clearProblem() {
    const problem = document.getElementById("problem");
    if (problem) problem.remove();
    document.title = words.title;
    for (const note of form.querySelectorAll(".error")) {
      for (const each of [note.closest("fieldset"), ...form.querySelectorAll(`[aria-describedby~="${note.id}"]`)]) {
        if (each) unmark(each, note.id);
      }
      note.remove();
    }
  }

  function markQuestion({ field, message }) {
    const question = questionOf(field);
    if (!question) return;
    const isGroup = question.matches("fieldset");
    const id = `${isGroup ? question.id : inputs(field)[0].id}-error`;
    const said = document.getElementById(id);
    if (said) return said.append(" ", message);
    const note = made("p", { className: "error", id, textContent: message });
    const above = question.querySelector(":scope > .help") || question.querySelector(":scope > label, :scope > legend");
    if (above) above.after(note);
    else question.prepend(note);
    for (const each of inputs(field)) {
      each.setAttribute("aria-describedby", [id, each.getAttribute("aria-describedby")].filter(Boolean).join(" "));
      (each.type === "radio" ? question : each).setAttribute("aria-invalid", "true");
    }
  }

  function unmark(control, id) {
    const rest = (control.getAttribute("aria-describedby") || "").split(" ").filter((each) => each && each !== id);
    control.removeAttribute("aria-invalid");
    if (rest.length) control.setAttribute("aria-describedby", rest.join(" "));
    else control.removeAttribute("aria-describedby");
  }

  // One line of the summary; it leads to its question, if this page asks it.
  function listed({ field, message }) {
    const line = document.createElement("li");
    const question = questionOf(field);
    if (!question) {
      line.textContent = message;
      return line;
    }
    const label = question.querySelector("legend, label").firstChild.textContent.trim();
    const link = line.appendChild(document.createElement("a"));
    link.href = `#${inputs(field)[0].id}`;
    link.textContent = message.includes(label) ? message : inOneLine(shortened(label), message);
    return line;
  }

  function inPageOrder(errors) {
    const questions = [...form.querySelectorAll(".field")];
    const place = ({ field }) => (questionOf(field) ? questions.indexOf(questionOf(field)) : questions.length);
    return [...errors].sort((one, other) => place(one) - place(other));
  }

  // --- steps ---

  // Those that ask something of this visitor.
  function openSteps() {
    return steps.filter((each) => each.querySelector(".field:not([hidden])"));
  }

  function stepOf(question) {
    return steps.find((each) => each.contains(question));
  }

  function showStep(step) {
    if (!step || steps.length < 2) return;
    for (const each of steps) each.hidden = each !== step;
    refresh();
  }

  // Which way leads on depends on the answers: a step in which nothing is asked is left out.
  function countSteps() {
    const open = openSteps();
    const now = open.findIndex((each) => !each.hidden);
    back.hidden = now < 1;
    button.hidden = now >= 0 && now < open.length - 1;
    next.hidden = !button.hidden;
    main.classList.toggle("later", now > 0);
    open.forEach((each, index) => {
      const count = { number: index + 1, count: open.length };
      each.querySelector(".count").textContent = filled(words.step, count);
      Object.assign(each.querySelector("progress"), { max: open.length, value: index + 1 });
    });
  }

  function goOn() {
    const open = openSteps();
    const now = open.find((each) => !each.hidden);
    if (!isRight([now])) return;
    const following = open[open.indexOf(now) + 1];
    // In a frame the browser's Back belongs to the page around it.
    if (!isFramed) history.pushState({ step: steps.indexOf(following) }, "");
    enter(following);
  }

  function goBack() {
    if (!isFramed && history.state && history.state.step) return history.back();
    const open = openSteps();
    enter(open[open.findIndex((each) => !each.hidden) - 1]);
  }

  function enter(step) {
    showStep(step);
    focusOn(step.querySelector("h2"));
  }

  function stepOfHistory() {
    const open = openSteps();
    const step = steps[(history.state || {}).step];
    return open.includes(step) ? step : open[0];
  }

  // --- what is asked, and what is answered ---

  function refresh() {
    for (const name of named("if")) {
      const isOn = forced.has(name) || isAsked(name);
      const question = questionOf(name);
      if (question) question.hidden = !isOn;
      for (const each of inputs(name)) each.disabled = !isOn;
    }
    if (steps.length > 1) countSteps();
  }

  // As leadferry.forms.is_shown: what depends on a question that is not asked is not asked.
  function isAsked(name, seen = []) {
    return Object.entries((questions[name] || {}).if || {}).every(
      ([other, wanted]) =>
        inputs(other).length &&
        !seen.includes(other) &&
        isAsked(other, [...seen, name]) &&
        (typed(other).length ? typed(other) : [""]).some((each) => wanted.includes(each) || wanted.includes(bare(each))),
    );
  }

  // A number as the server keeps it.
  function bare(text) {
    return /^[-+$€£\s\d,.]+$/.test(text) ? text.replace(/[^\d.-]/g, "") : text;
  }

  function isRight(asked) {
    clearProblem();
    const names = Object.keys(questions).filter((name) => asked.includes(stepOf(questionOf(name))));
    const slips = names.flatMap(slipsOf);
    if (slips.length) fail({ error_code: slips.map(({ code }) => code).sort()[0], errors: slips });
    return !slips.length;
  }

  // What is wrong with an answer at first sight, as the server would say it.
  function slipsOf(field) {
    const [input] = inputs(field);
    const found = input.disabled ? null : slip(questions[field], input, typed(field));
    return found ? [{ field, code: found[0], message: found[1] }] : [];
  }

  function slip({ required, like, date, limits = [] }, input, [text]) {
    if (date && input.validity.badInput) return ["lf201", date];
    if (!text) return required;
    if (/[<&٫٬]|\p{C}|(?!\d)\p{Nd}/u.test(text)) return null; // the server puts such things in order before it judges
    if (like && !matches(text, like)) return ["lf201", like[2]];
    const [low, high] = limits;
    if (low && compared(text, low[0]) < 0) return ["lf201", low[1]];
    if (high && compared(text, high[0]) > 0) return ["lf201", high[1]];
    return null;
  }

  function matches(text, [pattern, flags]) {
    try {
      return new RegExp(`^(?:${pattern})$`, flags).test(text);
    } catch (error) {
      return true; // Python's patterns are more than a browser's
    }
  }

  // Below 0: less than the limit. Dates are compared as they are written, year first.
  function compared(text, limit) {
    if (typeof limit === "number") return bare(text) - limit;
    return /^\d{4}-\d\d-\d\d$/.test(text) ? text.localeCompare(limit) : 0;
  }

  // What an address says, or what was typed before, into a question that has no answer.
  function fill(name, texts) {
    if (!texts.length || typed(name).length) return;
    for (const each of inputs(name)) {
      if (isTicked(each)) each.checked = texts.includes(each.value);
      else each.value = each.maxLength > 0 ? texts[0].slice(0, each.maxLength) : texts[0];
      if (each.selectedIndex < 0) each.selectedIndex = 0; // not on offer
    }
  }

  // For who comes back from the error page: the browser keeps this with the page's place in its history, nowhere else.
  function keepAnswers() {
    const answers = named("fill").map((name) => [name, typed(name)]);
    history.replaceState({ ...history.state, answers, until: Date.now() + 1800000 }, "");
  }

  function bringBackAnswers() {
    const { answers = [], until } = history.state || {};
    if (Date.now() < until) for (const [name, texts] of answers) fill(name, texts);
  }

  // --- what the page holds ---

  // The names of questions of which this is known.
  function named(fact) {
    return Object.keys(questions).filter((name) => questions[name][fact]);
  }

  function typed(name) {
    const given = inputs(name).filter((each) => !isTicked(each) || each.checked);
    return given.map(({ value }) => value.normalize().trim()).filter(Boolean);
  }

  function isTicked({ type }) {
    return type === "radio" || type === "checkbox";
  }

  // Not by form.elements, nor by the form's own properties: a field may be called "elements" or "action".
  function inputs(name) {
    return [...form.querySelectorAll("[name]")].filter((each) => each.name === name);
  }

  function questionOf(name) {
    const [input] = inputs(name);
    return input ? input.closest(".field") : null;
  }

  function shortened(label) {
    return label.length > 60 ? `${label.slice(0, 59)}…` : label;
  }

  function inOneLine(label, message) {
    return filled(/[.…:?!؟]$/.test(label) ? "{label} {message}" : words.of, { label, message });
  }

  function filled(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }

  function focusOn(element) {
    element.tabIndex = -1;
    element.focus();
  }

  function made(tag, properties) {
    return Object.assign(document.createElement(tag), properties);
  }

  // --- the start ---

  if (isFramed) {
    root.classList.add("framed");
    window.addEventListener("message", hear);
    tellHost("ready");
    new ResizeObserver(() => height() !== heightTold && tellHeight()).observe(root);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[target=_top]");
      if (link && !moveTop(link.href)) link.target = "_self"; // better in the frame than nowhere
    });
  }
  if (form) {
    form.setAttribute("novalidate", "");
    for (const hint of form.querySelectorAll(".hint")) {
      for (const each of form.querySelectorAll(`[aria-describedby~="${hint.id}"]`)) unmark(each, hint.id);
      hint.remove();
    }
    bringBackAnswers();
    refresh();
    showStep(steps.find((each) => each.querySelector(".error")) || stepOfHistory());
    button.addEventListener("click", onSubmit);
    form.addEventListener("submit", onSubmit);
    form.addEventListener("input", refresh);
    main.addEventListener("click", (event) => {
      const link = event.target.closest(".problem a");
      const input = link && document.getElementById(link.hash.slice(1));
      if (!input) return;
      event.preventDefault();
      showStep(stepOf(input));
      input.focus();
    });
    window.addEventListener("pageshow", () => {
      setBusy(false);
      refresh(); // browsers bring back what was typed
    });
  }
  if (steps.length > 1) {
    form.classList.add("stepped");
    next.addEventListener("click", goOn);
    back.addEventListener("click", goBack);
    window.addEventListener("popstate", () => enter(stepOfHistory()));
  }
})();
