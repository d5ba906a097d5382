// A crew's list on its phone: the nearest first, and steps that are kept and sent later where there is no net.
(() => {
  "use strict";
  const later = self.wenluLater, list = document.getElementById("jobs"), box = document.getElementById("later");
  const words = box.dataset, form = document.getElementById("from-here");

  /* The nearest first, worked out here: where somebody stands leaves the phone for nobody. */
  const button = document.getElementById("locate"), status = document.getElementById("locate-status");
  const RADIUS_KM = 6371;
  function kilometres(job, here) {
    const rad = Math.PI / 180, lat = Number(job.dataset.lat), lon = Number(job.dataset.lon);
    const x = (lon - here.longitude) * rad * Math.cos((lat + here.latitude) / 2 * rad), y = (lat - here.latitude) * rad;
    return RADIUS_KM * Math.hypot(x, y);
  }
  function sortFrom(here) {
    const far = (job) => "lat" in job.dataset ? kilometres(job, here) : Infinity;
    const jobs = [...list.querySelectorAll(".job")];
    jobs.sort((a, b) => ("urgent" in b.dataset) - ("urgent" in a.dataset) || far(a) - far(b));
    for (const job of jobs) {
      list.append(job);
      if ("lat" in job.dataset) job.querySelector(".away").textContent = words.away.replace("{km}", far(job).toFixed(1));
    }
    status.textContent = words.sorted;
  }
  if (navigator.geolocation) {
    button.hidden = false;
    button.addEventListener("click", () => {
      status.textContent = form.dataset.locating;
      navigator.geolocation.getCurrentPosition((found) => sortFrom(found.coords),
        () => { status.textContent = form.dataset.refused; }, { enableHighAccuracy: true, timeout: 15000 });
    });
  }

  /* What is not yet sent stands above the list, in words. */
  const line = (tag, text, look) => Object.assign(document.createElement(tag), { textContent: text, className: look || "" });
  function press(text, act) {
    const made = line("button", text, "quiet");
    made.type = "button";
    made.addEventListener("click", () => act().then(attempt));
    return made;
  }
  async function show(why) {
    const items = await later.all(), notes = document.getElementById("later-list");
    notes.replaceChildren();
    box.hidden = !items.length;
    document.getElementById("later-head").textContent = words[items.length === 1 ? "one" : "many"].replace("{n}", items.length);
    document.getElementById("later-why").textContent = words[why === "sign-in" ? "signIn" : navigator.onLine && why !== "network" ? "soon" : "offline"];
    for (const item of items) {
      const row = line("li");
      row.append(line("strong", item.title), line("span", ` · ${new Date(item.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`, "small soft"));
      if (item.refused) {
        row.append(line("p", `${words.refused} ${item.refused}`, "fault"),
          press(words.again, () => later.put({ ...item, refused: "" })), press(words.drop, () => later.remove(item.id)));
      }
      notes.append(row);
    }
    for (const job of list.querySelectorAll(".job")) advance(job, items.filter((item) => item.group === job.id));
  }
  /* The form after the last step that waits: a crew goes on working whether or not it was sent. */
  function advance(job, waiting) {
    const steps = [...job.querySelectorAll("form[data-step]")], at = job.dataset.at;
    const done = new Set(waiting.map((item) => item.step));
    const open = steps.find((one) => !done.has(one.dataset.step) && steps.indexOf(one) >= steps.findIndex((each) => each.dataset.step === at));
    for (const one of steps) one.hidden = one !== open;
    const note = job.querySelector(".not-sent");
    note.hidden = !waiting.length;
    note.textContent = waiting.length ? words.kept : "";
  }
  let goTo = "";
  async function attempt() {
    const told = await later.send();
    const mine = told.sent.find((item) => item.id === goTo);
    if (told.sent.length && !(await later.all()).length) { location.assign(mine && mine.where || "/desk/crew"); return; }
    await show(told.why);
    if (told.why === "network" && "serviceWorker" in navigator) {
      navigator.serviceWorker.ready.then((ready) => ready.sync && ready.sync.register("later")).catch(() => {});
    }
  }
  async function keep(event) {
    const sent = event.target;
    if (!sent.dataset.step) return;
    event.preventDefault();
    const data = new FormData(sent), job = sent.closest(".job"), id = crypto.randomUUID();
    const entries = [...data.entries()].filter(([, value]) => !(value instanceof File && !value.size));
    goTo = id;
    await later.put({
      id, url: sent.action, group: job.id, step: sent.dataset.step, at: Date.now(),
      title: `${job.dataset.title}: ${sent.dataset.says}`,
      fields: [...entries.filter(([, value]) => !(value instanceof File)), ["request_id", id]],
      files: entries.filter(([, value]) => value instanceof File).map(([field, value]) => ({ field, content: value, name: value.name }))
    });
    await show("");
    await attempt();
  }
  /* A token of before may no longer hold: what waits takes the one of this page. */
  async function renew() {
    const token = form.elements.csrf_token.value;
    for (const item of await later.all()) {
      await later.put({ ...item, fields: item.fields.map(([name, value]) => [name, name === "csrf_token" ? token : value]) });
    }
  }
  if (!("indexedDB" in self) || !crypto.randomUUID) return;
  list.addEventListener("submit", (event) => { keep(event).catch(() => event.target.submit()); });
  addEventListener("online", attempt);
  addEventListener("offline", () => show("network"));
  setInterval(() => later.all().then((items) => items.length && attempt()), 30000);
  for (const leave of document.querySelectorAll('form[action="/desk/sign-out"]')) {
    leave.addEventListener("submit", () => { if ("caches" in self) caches.delete("wenlu-field"); });
  }
  /* The first visit loads page and files before there is a worker to keep them. */
  async function keepPage() {
    await navigator.serviceWorker.register("/desk/crew/worker.js", { scope: "/desk/crew" });
    await navigator.serviceWorker.ready;
    const kept = await caches.open("wenlu-field");
    if (!await kept.match("/desk/crew")) {
      await kept.addAll([...document.querySelectorAll("link[rel=stylesheet], link[rel=icon], script[src]")].map((one) => one.href || one.src));
      await kept.put("/desk/crew", await fetch(location.href));
    }
    document.getElementById("works-offline").hidden = false;
  }
  if ("serviceWorker" in navigator && "caches" in self) keepPage().catch(() => {});
  renew().then(attempt).catch(() => {});
})();
