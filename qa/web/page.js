// The page's own script. The address is the state: following a link, asking and going back all end
// in `render`, which lets Gradio show what the address says. No text is ever put in as HTML here.

const ASKED = "qa.asked"; // this browser's questions
const KEPT = 200;
const TITLE = document.title;
const ASKING = ["q", "folder", "kind", "file", "since", "until", "all", "part"];
const LISTING = ["view", "find", "sort", "page"];

const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];
const query = (search = location.search) => new URLSearchParams(search);
const differ = (names, a, b) => names.some((name) => (a.get(name) || "") !== (b.get(name) || ""));
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
	note.textContent = `This page cannot be shown (${why || "no answer"}). This is its text.`;
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
	if (typing(target)) {
		if (key === "Escape") target.blur();
		if (key !== "ArrowDown" || target !== box() || !cards().length) return;
	}
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
	} else if ((key === "Enter" || key === " ") && target.id === "drop") {
		event.preventDefault();
		choose();
	}
});

// --- filters -------------------------------------------------------------------------------------

const filters = () => $$("#filters [name]");
const option = (value) => Object.assign(document.createElement("option"), { value, textContent: value });

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
		field.replaceChildren(field.options[0], ...values.map(option));
	}
	$("#files").replaceChildren(...file.map(option));
	show_filters();
}

// While a day is typed its year is one of the first centuries; while a file is, it names none yet.
const is_whole = ({ type, list, value }) =>
	!value || (type === "date" ? value >= "1000" : !list || [...list.options].some((one) => one.value === value));

function filter({ type, target }) {
	if (!target.closest?.("#filters")) return;
	const is_known = is_whole(target);
	target.setCustomValidity(is_known || target.type === "date" ? "" : "There is no such file in the index.");
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
	button.textContent = "Copied";
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
	if (!is_done) throw new Error("This browser does not let the page copy.");
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

const show_message = (text) => ($("#message").textContent = text);

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
		show_message(`Taking ${file.name} …`);
		try {
			taken.push(await put(file, false));
		} catch (error) {
			refused.push(`${file.name}: ${error.message}`);
		}
	}
	if (taken.length) press("list");
	const named = taken.map((file) => file.path).join(", ");
	show_message([named && `Added ${named}: to be asked about after the next rebuild.`, ...refused].join(" "));
}

async function put(file, replace) {
	try {
		return await call("PUT", `api/files?${new URLSearchParams({ name: file.name, replace })}`, file);
	} catch (error) {
		if (error.status !== 409 || replace) throw error;
		if (!confirm(`${error.message} Replace it?`)) throw new Error("kept as it was");
		return put(file, true);
	}
}

const remove = async (button) => {
	if (!confirm(`${button.title} from the folder? This cannot be undone.`)) return;
	const { path } = await call("DELETE", `api/files/${button.value}`);
	show_message(`Removed ${path}: its words stay in the index until the next rebuild.`);
	press("list");
};

const rebuild = async () => {
	const { error, needs_yes } = await call("GET", "api/build");
	const allowed = needs_yes && confirm(`${error} Remove them?`);
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
	$("#progress span").textContent = [
		state.stage,
		`${Math.floor(state.done)} of ${state.total} files`,
		`${state.passages} passages`,
		state.rate && `${state.rate} a second`,
		state.seconds_left !== null && `about ${Math.ceil(state.seconds_left)} s left`,
		state.path,
	].filter(Boolean).join(" · ");
}

function ended(report) {
	const counts = ["added", "changed", "removed"].map((name) => `${report[name].length} ${name}`);
	const failed = report.failed.length ? `, ${report.failed.length} failed` : "";
	return `Rebuilt in ${report.seconds.toFixed(1)} s: ${counts.join(", ")}${failed}.`;
}

for (const name of ["dragover", "dragleave", "drop"])
	document.addEventListener(name, (event) => {
		const drop = event.target.closest?.("#drop");
		event.preventDefault(); // a file dropped beside must not open in place of the page
		$("#drop")?.classList.toggle("over", name === "dragover" && Boolean(drop));
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
}

function list_asked() {
	const rows = remembered().map(({ address, at }) => {
		const row = document.createElement("li");
		const link = document.createElement("a");
		const time = document.createElement("span");
		link.href = address;
		link.textContent = query(address).get("q");
		time.className = "quiet";
		time.textContent = ` ${new Date(at).toLocaleString()}`;
		row.append(link, time);
		return row;
	});
	$("#asked")?.replaceChildren(...rows);
}

const forget = () => {
	localStorage.removeItem(ASKED);
	list_asked();
};

// --- start ---------------------------------------------------------------------------------------

const BUTTONS = {
	around, copy, remove, rebuild, forget, helpful: judge(true), unhelpful: judge(false),
};

document.addEventListener("click", async (event) => {
	if (event.target.closest("#drop")) return choose();
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
	for (const [id, role, label] of [["viewer", "complementary", "Source"], ["answer", "region", "Answer"]]) {
		$(`#${id}`).setAttribute("role", role);
		$(`#${id}`).setAttribute("aria-label", label);
	}
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
