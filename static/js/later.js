// What is sent later: kept in this browser until the server has it. The page and its service worker both use it.
self.wenluLater = (() => {
  "use strict";
  const STORE = "requests";
  const database = new Promise((resolve, reject) => {
    const opening = indexedDB.open("wenlu-later", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error);
  });
  async function ask(mode, act) {
    const opened = await database;
    return new Promise((resolve, reject) => {
      const work = opened.transaction(STORE, mode), asked = act(work.objectStore(STORE));
      work.oncomplete = () => resolve(asked.result);
      work.onabort = work.onerror = () => reject(work.error);
    });
  }
  const put = (item) => ask("readwrite", (store) => store.put(item));
  const remove = (id) => ask("readwrite", (store) => store.delete(id));
  const all = async () => (await ask("readonly", (store) => store.getAll())).sort((a, b) => a.at - b.at);

  async function post(item) {
    const body = new FormData();
    for (const [name, value] of item.fields) body.append(name, value);
    for (const file of item.files) body.append(file.field, file.content, file.name);
    return fetch(item.url, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
  }
  // In the order in which they were done; what is refused holds back what follows it at the same job.
  async function sendAll() {
    const held = new Set(), told = { sent: [], why: "" };
    for (const item of await all()) {
      if (item.refused) held.add(item.group);
      if (held.has(item.group)) continue;
      let answer;
      try { answer = await post(item); } catch { return { ...told, why: "network" }; }
      if (answer.type === "opaqueredirect") return { ...told, why: "sign-in" };
      if (answer.status === 429 || answer.status >= 500) return { ...told, why: "network" };
      const said = await answer.json().catch(() => ({}));
      if (answer.ok) {
        await remove(item.id);
        told.sent.push({ ...item, where: said.where });
      } else {
        held.add(item.group);
        await put({ ...item, refused: said.message || String(answer.status) });
      }
    }
    return told;
  }
  // One sender at a time, whether page or worker; the server does the same request once in any case.
  const send = () => navigator.locks
    ? navigator.locks.request("wenlu-later", { ifAvailable: true }, (lock) => lock ? sendAll() : { sent: [], why: "busy" })
    : sendAll();
  return { all, put, remove, send };
})();
