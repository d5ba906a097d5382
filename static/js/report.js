// Makes the report form quicker: search for the service, a map with a fixed cross, and who would answer. It works without.
(function () {
  "use strict";
  var form = document.getElementById("report-form");
  var service = document.getElementById("service_code"), questions = document.getElementById("questions");
  var lon = document.getElementById("lon"), lat = document.getElementById("lat"), accuracy = document.getElementById("accuracy_m");
  function element(name, text, kind) {
    var made = document.createElement(name);
    if (text) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  }
  function chosen() { return service.selectedOptions[0]; }

  /* Service: a search over names and keywords. */
  document.querySelectorAll("[data-without-script]").forEach(function (each) { each.hidden = true; });
  var search = document.getElementById("service-search"), found = element("ul", "", "found");
  search.hidden = false;
  found.hidden = true;
  service.parentNode.parentNode.insertBefore(found, service.parentNode);
  search.addEventListener("input", function () {
    var words = search.value.trim().toLowerCase();
    found.replaceChildren();
    found.hidden = !words;
    if (!words) return;
    var matches = Array.prototype.filter.call(service.options, function (option) {
      return option.value && (option.textContent + " " + option.dataset.words).toLowerCase().indexOf(words) >= 0;
    }).slice(0, 6);
    matches.forEach(function (option) {
      var line = element("li"), button = element("button", option.textContent, "found-one");
      button.type = "button";
      button.addEventListener("click", function () {
        service.value = option.value;
        search.value = "";
        found.hidden = true;
        service.dispatchEvent(new Event("change"));
        service.focus();
      });
      line.append(button);
      found.append(line);
    });
    if (!matches.length) found.append(element("li", form.dataset.nothing, "soft"));
  });

  /* Questions: those of the service, each shown when the answers call for it. */
  function showQuestions() {
    questions.querySelectorAll("[data-show-if]").forEach(function (box) {
      var isShown = JSON.parse(box.dataset.showIf).some(function (pair) {
        return Array.prototype.some.call(form.querySelectorAll('[name="q.' + CSS.escape(pair[0]) + '"]'), function (input) {
          return input.value === pair[1] && input.checked;
        });
      });
      box.hidden = !isShown;
      box.querySelectorAll("input, select, textarea").forEach(function (input) { input.disabled = !isShown; });
    });
  }
  function applyService() {
    var option = chosen();
    document.querySelectorAll("[data-only-kind]").forEach(function (each) { each.classList.remove("is-folding"); each.hidden = option.dataset.kind !== each.dataset.onlyKind; });
    document.querySelectorAll("[data-only-sensitive]").forEach(function (each) { each.hidden = option.dataset.sensitive !== "yes"; });
    var media = document.getElementById("at-media");
    if (media) media.hidden = option.dataset.photo === "none";
    preview();
  }
  service.addEventListener("change", function () {
    applyService();
    fetch(form.dataset.questions + "?service=" + encodeURIComponent(service.value))
      .then(function (answer) { return answer.ok ? answer.text() : ""; })
      .then(function (html) {
        // Our own template, escaped on the server; parsed so that no script in it could run.
        var parsed = new DOMParser().parseFromString(html, "text/html");
        questions.replaceChildren.apply(questions, Array.prototype.slice.call(parsed.body.childNodes));
        showQuestions();
      });
  });
  questions.addEventListener("change", function () { showQuestions(); preview(); });

  /* Place: the map moves beneath a fixed cross. */
  var box = document.getElementById("place-map"), status = document.getElementById("place-status");
  var map = null, isOurMove = false;
  var area = document.getElementById("area");
  function say(text) { status.textContent = text; }
  function isSet() { return box.classList.contains("is-set"); }
  function setPlace(at, metres) {
    lon.value = at.lng.toFixed(6);
    lat.value = at.lat.toFixed(6);
    accuracy.value = String(Math.round(Math.min(500, Math.max(3, metres))));
    area.value = "";
    say(status.dataset.set.replace("{m}", accuracy.value));
    box.classList.add("is-set");
    preview();
  }
  /* The last choice counts: an area empties the coordinates, coordinates empty the area. */
  area.addEventListener("change", function () {
    if (area.value) {
      lon.value = lat.value = accuracy.value = "";
      box.classList.remove("is-set");
    }
    if (!isSet()) say(area.value ? status.dataset.area : status.dataset.unset);
    preview();
  });
  [lon, lat].forEach(function (input) {
    input.addEventListener("change", function () {
      if (lon.value && lat.value) { area.value = ""; accuracy.value = ""; }
      preview();
    });
  });
  if (window.L && window.wenlu) {
    var centre = JSON.parse(box.dataset.centre), hasPlace = lon.value && lat.value && isFinite(lon.value) && isFinite(lat.value);
    map = wenlu.map("place-map", {
      center: hasPlace ? [Number(lat.value), Number(lon.value)] : [centre[1], centre[0]],
      zoom: hasPlace ? 16 : Number(box.dataset.zoom) || 12
    });
    box.append(element("div", "", "cross"));
    document.getElementById("map-tools").hidden = false;
    var other = document.getElementById("other-place");
    other.open = Boolean(area.value) || "fault" in other.dataset;
    other.classList.remove("is-folding");
    say(hasPlace ? status.dataset.set.replace("{m}", accuracy.value || "30") : area.value ? status.dataset.area : status.dataset.unset);
    if (hasPlace) box.classList.add("is-set");
    map.on("dragend zoomend", function (event) {
      if (isOurMove) return;
      var at = map.getCenter();
      // Looking closer says nothing of the place, unless two fingers moved a cross that stood already.
      if (event.type === "zoomend" && (!isSet() || map.distance(at, [Number(lat.value), Number(lon.value)]) < 1)) return;
      // A finger is good to about ten pixels.
      var metres = 10 * map.distance(map.containerPointToLatLng([0, 0]), map.containerPointToLatLng([100, 0])) / 100;
      setPlace(at, metres);
    });
    map.on("click", function (event) { map.panTo(event.latlng); map.once("moveend", function () { map.fire("dragend"); }); });
    box.addEventListener("keyup", function (event) { if (/^Arrow/.test(event.key)) map.fire("dragend"); });
    document.getElementById("locate").addEventListener("click", function () {
      if (!navigator.geolocation) { say(status.dataset.refused); return; }
      say(status.dataset.searching);
      navigator.geolocation.getCurrentPosition(function (position) {
        var at = L.latLng(position.coords.latitude, position.coords.longitude);
        isOurMove = true;
        map.setView(at, Math.max(map.getZoom(), 17), { animate: false });
        isOurMove = false;
        setPlace(at, position.coords.accuracy);
      }, function () { say(status.dataset.refused); }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 30000 });
    });
  }

  /* Who would answer: asked by POST, so that no place stands in an address. */
  var answer = document.getElementById("preview"), timer, asked = 0;
  function preview() {
    clearTimeout(timer);
    timer = setTimeout(ask, 350);
  }
  function answers() {
    var given = {};
    questions.querySelectorAll("input:checked, textarea, input[type=text], input[type=datetime-local]").forEach(function (input) {
      if (input.disabled || !input.value) return;
      var code = input.name.slice(2);
      (given[code] = given[code] || []).push(input.value);
    });
    return given;
  }
  function ask() {
    var needsPlace = chosen().dataset.place === "yes";
    if (!service.value || (needsPlace && !(lon.value && lat.value) && !area.value)) { answer.hidden = true; return; }
    var body = { service_code: service.value, answers: answers() }, number = ++asked;
    if (lon.value && lat.value) { body.lon = Number(lon.value); body.lat = Number(lat.value); body.datum = "wgs84"; }
    if (area.value) body.area = area.value;
    if (accuracy.value) body.accuracy_m = Number(accuracy.value);
    fetch(form.dataset.where, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
      .then(function (reply) { return reply.ok ? reply.json() : null; })
      .then(function (found) { if (number === asked) show(found); })
      .catch(function () { answer.hidden = true; });
  }
  function show(found) {
    answer.hidden = !found;
    if (!found) return;
    answer.replaceChildren(element("p", answer.dataset.unit.replace("{unit}", found.unit.name), "preview-unit"));
    answer.append(element("p", found.reason, "small soft"));
    if (found.promise.due_at) {
      answer.append(element("p", answer.dataset.promise.replace("{when}", found.promise.words)));
    }
    if (found.ambiguous) answer.append(element("p", answer.dataset.ambiguous, "small"));
    (found.known || []).forEach(function (work) {
      answer.append(element("p", work.words + ": " + work.message + " " + answer.dataset.still, "note warn"));
    });
    if (found.duplicates.length) {
      answer.append(element("p", answer.dataset.duplicates, "preview-twins"));
      var list = element("ul", "", "list");
      found.duplicates.forEach(function (twin) {
        var line = element("li"), link = element("a", "", "card");
        link.href = twin.url;
        link.target = "_blank";
        link.rel = "noopener";
        link.append(element("span", twin.text || found.unit.name, "card-title"));
        link.append(element("span", answer.dataset.metres.replace("{m}", twin.distance_m), "card-meta"));
        var metoo = element("a", answer.dataset.metoo, "button quiet");
        metoo.href = twin.follow_url;
        if (twin.voices > 1) link.append(element("span", answer.dataset.voices.replace("{n}", twin.voices), "card-meta"));
        line.append(link, metoo);
        list.append(line);
      });
      answer.append(list);
    }
  }

  /* Photos: thumbnails of what was chosen; sending only once. */
  var photo = document.getElementById("photo"), thumbs = document.getElementById("thumbs");
  if (photo) photo.addEventListener("change", function () {
    thumbs.replaceChildren();
    Array.prototype.slice.call(photo.files, 0, Number(photo.dataset.most)).forEach(function (file) {
      var image = element("img");
      image.alt = file.name;
      image.src = URL.createObjectURL(file);
      thumbs.append(image);
    });
  });
  // Without a net the browser would show an error page of its own, and what was typed would be at risk: it waits here.
  var send = document.getElementById("send"), waiting = document.getElementById("waiting"), words = send.textContent, timer;
  function reached() {
    return fetch("/healthz", { cache: "no-store" }).then(function (answer) { if (!answer.ok) throw new Error(); });
  }
  function trySending() {
    clearTimeout(timer);
    reached().then(function () { form.submit(); }, function () {
      waiting.textContent = waiting.dataset.waiting;
      waiting.hidden = false;
      timer = setTimeout(trySending, 15000);
    });
  }
  form.addEventListener("submit", function (event) {
    if (event.submitter && event.submitter !== send) return;
    event.preventDefault();
    if (send.disabled) return;
    send.disabled = true;
    send.textContent = send.dataset.sending;
    trySending();
  });
  window.addEventListener("online", function () { if (send.disabled) trySending(); });
  window.addEventListener("pageshow", function () { send.disabled = false; send.textContent = words; });

  applyService();
  showQuestions();
  var faults = document.getElementById("faults");
  if (faults) faults.focus();
}());
