// The page's own script. The address is the state: following a link, asking and going back all end
// in `render`, which lets Gradio show what the address says. No text is ever put in as HTML here.

const ASKED = "qa.asked"; // this browser's questions
const KEPT = 200;
const SUGGESTED = 50; // of them, while one types
const TITLE = document.title;
const TEXT = JSON.parse(document.getElementById("texts").textContent); // in the reader's language
const ASKING = ["q", "folder", "kind", "file", "since", "until", "language", "all", "part"];
const LISTING = ["view", "find", "sort", "page"];

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const query = (search = location.search) => new URLSearchParams(search);
const differ = (names, a, b) => names.some((name) => (a.get(name) || "") !== (b.get(name) || ""));
const shown_value = (value) => (typeof value === "number" ? value.toLocaleString(TEXT.language) : value);
const put_in = (text, ...values) => text.replace(/\{\}/g, () => shown_value(values.shift()));
const view = () => query().get("view") || "ask";

let shown = query(); // what the page shows now
let waiting = 0;

// --- address -------------------------------------------------------------------------------------

function go(search) {
	if (search === location.search || (search === "?" && !location.search)) return render(true);
	history.pushState(null, "", search === "?" ? location.pathname : search);
	render();
}

function render(again = false) {
	const now = query();
	const before = shown;
	shown = now;
	dress();
	if (view() === "history") return list_asked();
	if (view() === "library") {
		if (again || differ(LISTING, before, now)) press("list");
		return;
	}
	if (again || differ(["q"], before, now)) show_question();
	if (again || differ(ASKING, before, now)) {
		wait();
		press("show");
	} else if (differ(["doc", "at"], before, now) && now.get("doc")) press("open");
}

function press(name) {
	$(`#do-${name}`)?.click();
}

function dress() {
	const asked = view() === "ask" && query().get("q");
	document.title = asked ? `${asked} – ${TITLE}` : TITLE;
	document.body.dataset.view = view();
	document.body.classList.toggle("reading", view() === "ask" && Boolean(query().get("doc")));
	show_filters();
	const find = query().get("find") || "";
	if ($("#find") && $("#find").value !== find) $("#find").value = find;
	for (const link of $$(".nav a")) {
		const here = link.className === `to-${view()}`;
		here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
	}
	for (const card of $$(".card")) {
		const link = query($(".open", card).getAttribute("href"));
		card.classList.toggle("now", !differ(["doc", "at"], link, query()));
	}
}

// Written here and not by the server, whose answer might come when something else is typed already.
function show_question() {
	const asked = query().get("q") || "";
	if (box().value === asked) return;
	box().value = asked;
	box().dispatchEvent(new Event("input", { bubbles: true })); // Gradio sees only what is typed
}

function searched(link) {
	// Gradio opens links in new windows; those that only change the address stay here.
	const href = link?.getAttribute("href");
	return href?.startsWith("?") ? href : null;
}

addEventListener("popstate", () => render());
document.addEventListener("click", (event) => {
	const link = event.target.closest("a");
	const search = searched(link);
	if (search === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
	event.preventDefault();
	if (link.closest(".nav") && link.className === "to-ask" && view() !== "ask") return go(last_asked());
	go(search);
	if (link.className === "within") box().focus(); // the next question is asked of that document
});

let asked_last = "?";
const last_asked = () => asked_last;

// --- what Gradio has put in ----------------------------------------------------------------------

function watch(id, seen) {
	const place = document.getElementById(id);
	new MutationObserver(() => seen(place)).observe(place, { childList: true, subtree: true });
	seen(place);
}

let answered = null;
let again = null;
let explained = null;

// Gradio drops the reason for which the server refused: a request that does nothing gets it as well.
async function explain(place, error) {
	explained = error;
	delete place.dataset.fault;
	const reply = await fetch("healthz", { method: "POST" }).then((refused) => refused.json()).catch(() => ({}));
	if (reply.error) place.dataset.fault = reply.error;
}

function on_answer(place) {
	const error = $(".error", place); // Gradio's own sign that nothing came back
	if (error) waited();
	if (error && error !== explained) explain(place, error);
	const link = $(".here", place);
	if (!link || link === answered) return; // Gradio also changes what stands around the answer
	answered = link;
	const here = link.getAttribute("href");
	const leads = link.classList.contains("leading");
	// What was asked before the page was loaded, or what was gone back from, may arrive late.
	if (!leads && differ(["q"], query(here), query()) && again !== location.search) {
		again = location.search;
		return press("show");
	}
	again = null;
	waited();
	if (leads && view() === "ask" && differ(ASKING, query(here), query())) {
		history.pushState(null, "", here === "?" ? location.pathname : here);
		shown = query();
	}
	if (view() === "ask") asked_last = location.search || "?";
	dress();
	if (query(here).get("q")) remember(here);
	// What is typed on meanwhile is the next question: it keeps the keyboard.
	if (leads && document.activeElement === document.body) cards()[0]?.focus({ preventScroll: true });
}

function on_viewer(place) {
	const head = $(".source-head", place);
	if (!head || head.dataset.seen) return;
	head.dataset.seen = "yes";
	const target = $(".box.current", place) || $("mark.current", place) || $(".box", place);
	if (target) {
		const top = target.getBoundingClientRect().top - place.getBoundingClientRect().top;
		place.scrollTop += top - head.offsetHeight - place.clientHeight / 5;
	} else place.scrollTop = 0;
	$("h2", head).focus({ preventScroll: true });
}

// A page that cannot be drawn is shown as text; where only too many are asked for, it is asked again.
addEventListener("error", ({ target }) => target.matches?.(".sheet img") && undrawn(target), true);

async function undrawn(image) {
	const address = image.getAttribute("src");
	const tries = Number(image.dataset.tries) || 0;
	const reply = await fetch(address).catch(() => null);
	if (reply?.ok || (reply?.status === 503 && tries < 5)) {
		image.dataset.tries = tries + 1;
		if (tries < 5) return setTimeout(() => image.setAttribute("src", address), 2000 * tries);
	}
	const why = await reply?.json().then(({ error }) => error).catch(() => null);
	const text = await fetch(address.replace(/png$/, "txt")).then((found) => (found.ok ? found.text() : ""));
	const page = image.closest(".page");
	if (!page) return;
	const note = document.createElement("p");
	note.className = "undrawn";
	note.textContent = put_in(TEXT.undrawn, why || TEXT.no_reply);
	const words = document.createElement("p");
	words.className = "words";
	words.dir = "auto";
	words.textContent = text;
	const [marked] = $$("details.words", page); // the page's words, with the marks
	$(".sheet", page).replaceWith(note, ...(marked ? [] : [words]));
}

// Which link or button of the list has the focus: the list that takes its place gives it back.
let focused = -1;
const focusable = () => $$("#table a, #table button");
document.addEventListener("focusin", ({ target }) => (focused = focusable().indexOf(target)));

function on_table(place) {
	// Gradio's cleaning would take the attribute.
	for (const order of ["ascending", "descending"]) $(`th.${order}`, place)?.setAttribute("aria-sort", order);
	if (focused >= 0 && document.activeElement === document.body) {
		const all = focusable();
		all[Math.min(focused, all.length - 1)]?.focus({ preventScroll: true });
	}
}

function wait() {
	clearTimeout(waiting);
	waiting = setTimeout(() => $("#answer").classList.add("waiting"), 150);
}

function waited() {
	clearTimeout(waiting);
	$("#answer").classList.remove("waiting");
}

// --- keys ----------------------------------------------------------------------------------------

const box = () => $("#question input");
const typing = (element) => element.matches?.("input, textarea, select, [contenteditable]");
const cards = () => $$(".card").filter((card) => card.offsetParent);

function step(by) {
	const all = cards();
	const at = all.findIndex((card) => card === document.activeElement || card.contains(document.activeElement));
	const now = at < 0 ? all.findIndex((card) => card.classList.contains("now")) : at;
	const next = all[Math.min(Math.max(now < 0 ? (by > 0 ? 0 : -1) : now + by, 0), all.length - 1)];
	next?.focus();
	next?.scrollIntoView({ block: "nearest" });
}

function close_source() {
	const now = query();
	if (!now.get("doc")) return false;
	const card = $(".card.now");
	now.delete("doc");
	now.delete("at");
	go(`?${now}`);
	(card || box()).focus();
	return true;
}

document.addEventListener("keydown", (event) => {
	if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
	const { key, target } = event;
	if (key === "Enter" && target === box()) wait();
	if (key === "Escape" && close_source()) return event.preventDefault();
	if (typing(target)) return key === "Escape" && target.blur();
	const within = target.closest?.("#viewer");
	const moves = { j: 1, k: -1, ...(within ? {} : { ArrowDown: 1, ArrowUp: -1 }) };
	if (key in moves && view() === "ask" && cards().length) {
		event.preventDefault();
		step(moves[key]);
	} else if (key === "/") {
		event.preventDefault();
		if (view() !== "ask") go(last_asked());
		box().focus();
		box().select();
	} else if (key === "Enter" && target.classList?.contains("card")) {
		event.preventDefault();
		go($(".open", target).getAttribute("href"));
	} else if ((key === "Enter" || key === " ") && target.classList?.contains("drop")) {
		event.preventDefault();
		choose();
	}
});

// The question is asked by the same key press: only then do the excerpts have the keyboard.
document.addEventListener("keypress", ({ key, target, isComposing }) => {
	if (key === "Enter" && target === box() && target.value.trim() && !isComposing) setTimeout(() => target.blur());
});

// --- filters -------------------------------------------------------------------------------------

const filters = () => $$("#filters [name]");
const option = (value, textContent = value) => Object.assign(document.createElement("option"), { value, textContent });
const language_name = (code) => new Intl.DisplayNames([TEXT.language], { type: "language" }).of(code);

function show_filters() {
	for (const field of filters()) {
		const value = query().get(field.name) || "";
		if (field.value === value) continue;
		if (field.matches("select") && ![...field.options].some((one) => one.value === value))
			field.append(option(value));
		field.value = value;
	}
}

async function offer() {
	const { file, ...lists } = await call("GET", "api/filters");
	for (const [name, values] of Object.entries(lists)) {
		const field = $(`#filters [name=${name}]`);
		const named = values.map((value) => option(value, name === "language" ? language_name(value) : value));
		field.replaceChildren(field.options[0], ...named);
	}
	$("#files").replaceChildren(...file.map((path) => option(path)));
	show_filters();
}

// While a day is typed its year is one of the first centuries; while a file is, it names none yet.
const is_whole = ({ type, list, value }) =>
	!value || (type === "date" ? value >= "1000" : !list || [...list.options].some((one) => one.value === value));

function filter({ type, target }) {
	if (!target.closest?.("#filters")) return;
	const is_known = is_whole(target);
	target.setCustomValidity(is_known || target.type === "date" ? "" : TEXT.no_such_file);
	if (!is_known) return type === "change" && target.reportValidity();
	const now = query();
	if ((now.get(target.name) || "") === target.value) return;
	for (const name of [target.name, "doc", "at", "part"]) now.delete(name);
	if (target.value) now.set(target.name, target.value);
	go(`?${now}`);
}

document.addEventListener("change", filter);
document.addEventListener("input", (event) => event.target.list && is_whole(event.target) && filter(event));
document.addEventListener("toggle", ({ target }) => target.id === "filters" && target.open && offer(), true);

// --- an excerpt's buttons ------------------------------------------------------------------------

const place_of = (value) => {
	const [, document_, start, end] = value.match(/^(\w+):(\d+)-(\d+)$/);
	return { document: document_, start: Number(start), end: Number(end) };
};

const around = async (button) => {
	const place = place_of(button.value);
	const card = button.closest(".card");
	const step_ = 600;
	const text = async (start, end) =>
		(await call("GET", `api/documents/${place.document}?start=${Math.max(start, 0)}&end=${end}`)).text;
	const more = (Number(card.dataset.more) || 0) + step_;
	card.dataset.more = more;
	$(".before", card).textContent = place.start ? await text(place.start - more, place.start) : "";
	$(".after", card).textContent = await text(place.end, place.end + more);
	$(".lead", card).hidden = false; // its headings stand within what is shown now
};

const copy = async (button) => {
	const place = place_of(button.value);
	const link = new URL(`?doc=${place.document}&at=${place.start}-${place.end}`, document.baseURI);
	const quotation = `${$(".citation", button.closest(".card")).textContent}\n${link}`;
	if (navigator.clipboard) await navigator.clipboard.writeText(quotation);
	else copy_selected(quotation, button);
	button.textContent = TEXT.copied;
};

// A browser has no clipboard for a page that came over plain HTTP from another machine.
function copy_selected(text, button) {
	const area = document.createElement("textarea");
	area.value = text;
	button.after(area);
	area.select();
	const is_done = document.execCommand("copy");
	area.remove();
	button.focus();
	if (!is_done) throw new Error(TEXT.cannot_copy);
}

const judge = (helpful) => async (button) => {
	if (button.ariaPressed === "true") return;
	const question = query($("#answer .here").getAttribute("href")).get("q");
	await call("POST", "api/feedback", { question, helpful, ...place_of(button.value) });
	for (const other of $$("button", button.parentElement)) other.ariaPressed = other === button;
};

// --- library -------------------------------------------------------------------------------------

document.addEventListener("input", ({ target }) => {
	if (target.id !== "find") return;
	const now = query();
	for (const name of ["find", "page"]) now.delete(name);
	if (target.value) now.set("find", target.value);
	history.replaceState(null, "", `?${now}`); // what one types is no page to go back to
	render();
});

// The library has a line for messages, and so has the question page while there is no document.
function show_message(text) {
	const line = $$(".message").find((one) => one.offsetParent);
	if (line) line.textContent = text;
}

async function call(method, path, body) {
	const plain = body !== undefined && !(body instanceof Blob);
	const answer = await fetch(path, {
		method,
		body: plain ? JSON.stringify(body) : body,
		headers: plain ? { "content-type": "application/json" } : {},
	});
	const payload = await answer.json().catch(() => ({ error: answer.statusText }));
	if (!answer.ok) throw Object.assign(new Error(payload.error), { status: answer.status });
	return payload;
}

function choose() {
	const input = document.createElement("input");
	input.type = "file";
	input.multiple = true;
	input.addEventListener("change", () => upload([...input.files]));
	input.click();
}

async function upload(files) {
	const taken = [];
	const refused = [];
	for (const file of files) {
		show_message(put_in(TEXT.taking, file.name));
		try {
			taken.push(await put(file, false));
		} catch (error) {
			refused.push(`${file.name}: ${error.message}`);
		}
	}
	const named = taken.map((file) => file.path).join(", ");
	show_message([named && put_in(TEXT.added, named), ...refused].join(" "));
	if (!taken.length) return;
	if (view() === "ask") return begin_library();
	press("list");
}

// The first documents of a library are indexed at once: there is nothing to ask before.
async function begin_library() {
	let state = await call("POST", "api/build");
	while (state.running) {
		show_message(progress_of(state));
		await rest(250);
		state = await call("GET", "api/build");
	}
	if (state.error) return show_message(state.error);
	for (let looks = 0; looks < 40 && !(await serves(state.report)); looks++) await rest(250);
	render(true);
	box().focus();
}

async function put(file, replace) {
	try {
		return await call("PUT", `api/files?${new URLSearchParams({ name: file.name, replace })}`, file);
	} catch (error) {
		if (error.status !== 409 || replace) throw error;
		if (!confirm(put_in(TEXT.replace, error.message))) throw new Error(TEXT.kept);
		return put(file, true);
	}
}

const remove = async (button) => {
	if (!confirm(put_in(TEXT.remove, button.title))) return;
	const { path } = await call("DELETE", `api/files/${button.value}`);
	show_message(put_in(TEXT.removed, path));
	press("list");
};

const rebuild = async () => {
	const { error, needs_yes } = await call("GET", "api/build");
	const allowed = needs_yes && confirm(put_in(TEXT.remove_many, error));
	await call("POST", allowed ? "api/build?allow_removal=true" : "api/build");
	last_outcome = ""; // even if it ends as the last one did
	follow();
};

// A rebuild may also be begun by the server, when files change, or from another tab.
const LOOK = 2000; // ms
let last_outcome; // the end of the last rebuild that this page knows of
let following = false;
async function follow() {
	if (following || document.hidden || view() !== "library" || !$("#progress")) return;
	following = true;
	try {
		let state = await call("GET", "api/build");
		if (last_outcome === undefined && !state.running) last_outcome = outcome(state);
		while (state.running) {
			show_progress(state);
			await rest(250);
			state = await call("GET", "api/build");
		}
		$("#progress").hidden = true;
		if (outcome(state) === last_outcome) return;
		last_outcome = outcome(state);
		show_message(state.error || ended(state.report));
		for (let looks = 0; looks < 40 && !(await serves(state.report)); looks++) await rest(250);
		if (view() === "library") press("list");
	} catch {
		// the server is away: it is asked again
	} finally {
		following = false;
	}
}

const rest = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
// A snapshot's name ends with its id; the server takes it up a moment after it was written.
const serves = async (report) => !report || report.snapshot.endsWith((await call("GET", "healthz")).snapshot);
const outcome = ({ report, error }) => JSON.stringify([report, error]);

function show_progress(state) {
	show_message("");
	$("#progress").hidden = false;
	const bar = $("#progress progress");
	bar.max = Math.max(state.total, 1);
	// Before the first file is done nobody knows how far it is: the bar moves, and says so.
	state.done ? (bar.value = state.done) : bar.removeAttribute("value");
	$("#progress span").textContent = progress_of(state);
}

const progress_of = (state) => [
	TEXT.stages[state.stage] || state.stage,
	put_in(TEXT.files_done, Math.floor(state.done), state.total),
	put_in(TEXT.passages_done, state.passages),
	state.rate && put_in(TEXT.rate, state.rate),
	state.seconds_left !== null && put_in(TEXT.left, Math.ceil(state.seconds_left)),
	state.path,
].filter(Boolean).join(" · ");

function ended(report) {
	const numbers = ["added", "changed", "removed", "failed"].map((name) => report[name].length);
	const counts = put_in(report.failed.length ? TEXT.counts_failed : TEXT.counts, ...numbers);
	return put_in(TEXT.rebuilt, Number(report.seconds.toFixed(1)), counts);
}

for (const name of ["dragover", "dragleave", "drop"])
	document.addEventListener(name, (event) => {
		const drop = event.target.closest?.(".drop");
		event.preventDefault(); // a file dropped beside must not open in place of the page
		for (const place of $$(".drop")) place.classList.toggle("over", name === "dragover" && place === drop);
		if (name === "drop" && drop) upload([...event.dataTransfer.files]);
	});

// --- history -------------------------------------------------------------------------------------

function remembered() {
	try {
		return JSON.parse(localStorage.getItem(ASKED)) || [];
	} catch {
		return [];
	}
}

function remember(address) {
	const others = remembered().filter((entry) => entry.address !== address);
	const kept = [{ address, at: new Date().toISOString() }, ...others].slice(0, KEPT);
	try {
		localStorage.setItem(ASKED, JSON.stringify(kept));
	} catch {
		// a browser that keeps nothing has no history
	}
	suggest();
}

function list_asked() {
	const rows = remembered().map(({ address, at }) => {
		const row = document.createElement("li");
		const link = document.createElement("a");
		const time = document.createElement("span");
		link.href = address;
		link.textContent = query(address).get("q");
		time.className = "quiet";
		time.textContent = ` ${new Date(at).toLocaleString(TEXT.language)}`;
		row.append(link, time);
		return row;
	});
	$("#asked")?.replaceChildren(...rows);
}

// This browser's questions are suggested while one types, each once.
function suggest() {
	const questions = remembered().map(({ address }) => query(address).get("q"));
	const list = $("#recent") || document.body.appendChild(document.createElement("datalist"));
	list.id = "recent";
	list.replaceChildren(...[...new Set(questions)].slice(0, SUGGESTED).map(option));
	box().setAttribute("list", "recent");
}

const forget = () => {
	localStorage.removeItem(ASKED);
	list_asked();
	suggest();
};

// --- start ---------------------------------------------------------------------------------------

const BUTTONS = {
	around, copy, remove, rebuild, forget, helpful: judge(true), unhelpful: judge(false),
};

document.addEventListener("click", async (event) => {
	if (event.target.closest(".drop")) return choose();
	const button = event.target.closest(".prose button[name]");
	const work = button && BUTTONS[button.name];
	if (!work) return;
	try {
		await work(button);
	} catch (error) {
		if ($("#message") && view() === "library") show_message(error.message);
		else button.textContent = error.message;
	}
});

const PARTS = [".nav", "#question input", "#filters", "#answer", "#viewer", "#do-show", "#find", "#table", "#asked"];

function begin() {
	if (PARTS.some((part) => !$(part))) return setTimeout(begin, 20);
	document.body.classList.add("ready");
	if (query().get("q")) show_question();
	for (const [id, role, label] of [["viewer", "complementary", TEXT.source], ["answer", "region", TEXT.answer]]) {
		$(`#${id}`).setAttribute("role", role);
		$(`#${id}`).setAttribute("aria-label", label);
	}
	for (const id of ["answer", "table"]) $(`#${id}`).dataset.unanswered = TEXT.unanswered;
	suggest();
	dress();
	watch("answer", on_answer);
	watch("viewer", on_viewer);
	watch("table", on_table);
	if (view() === "history") list_asked();
	if (view() === "ask" && !query().get("doc")) box().focus();
	follow();
	setInterval(follow, LOOK);
}

dress(); // before Gradio draws anything, so that nothing moves
begin();
