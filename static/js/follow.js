/* A follower's own page: the secret stands in the fragment of the link, so nobody need type it. */
(function () {
  "use strict";
  var kept = "wenlu-follow " + location.pathname;
  var secret = location.hash.slice(1) || sessionStorage.getItem(kept) || "";
  if (!secret) return;
  sessionStorage.setItem(kept, secret);
  history.replaceState(null, "", location.pathname + location.search);
  document.querySelectorAll("[data-secret-field]").forEach(function (field) {
    field.querySelector("input").value = secret;
    field.hidden = true;
  });
}());
