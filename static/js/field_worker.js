// The worker of a crew's list: the list as it was last seen where there is no net, and what waits when there is one.
(() => {
  "use strict";
  const PAGE = "/desk/crew", KEPT = "wenlu-field", PATIENCE_MS = 6000, LASTS_MS = 12 * 3600 * 1000;
  // A new worker comes with new files: what the old one kept is of no use to it.
  self.addEventListener("install", (event) => { event.waitUntil(caches.delete(KEPT)); self.skipWaiting(); });
  self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
  self.addEventListener("sync", (event) => { if (event.tag === "later") event.waitUntil(self.wenluLater.send()); });

  async function fresh(request) {
    const answer = await fetch(request), kept = await caches.open(KEPT);
    if (answer.ok && !answer.redirected) await kept.put(PAGE, answer.clone());
    if (answer.type === "opaqueredirect" || answer.redirected) await kept.delete(PAGE);
    return answer;
  }
  async function page(request) {
    const asked = fresh(request), kept = await caches.match(PAGE);
    if (!kept || Date.now() - Date.parse(kept.headers.get("date")) > LASTS_MS) return asked;
    asked.catch(() => {});
    const tired = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, kept));
    return Promise.race([asked.catch(() => kept), tired]);
  }
  async function asset(request) {
    const kept = await caches.open(KEPT), found = await kept.match(request);
    if (found) return found;
    const answer = await fetch(request);
    if (answer.ok) await kept.put(request, answer.clone());
    return answer;
  }
  self.addEventListener("fetch", (event) => {
    const { request } = event, url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== location.origin) return;
    if (request.mode === "navigate" && url.pathname === PAGE) event.respondWith(page(request));
    else if (url.pathname.startsWith("/static/") && url.searchParams.has("v")) event.respondWith(asset(request));
  });
})();
