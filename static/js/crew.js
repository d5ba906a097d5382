// A crew's list from where it is: the phone fills in the form that works without it, too.
(function () {
  "use strict";
  var form = document.getElementById("from-here"), button = document.getElementById("locate");
  var status = document.getElementById("locate-status");
  if (!form || !button || !navigator.geolocation) return;
  button.hidden = false;
  button.addEventListener("click", function () {
    status.textContent = form.dataset.locating;
    navigator.geolocation.getCurrentPosition(function (found) {
      document.getElementById("lon").value = found.coords.longitude.toFixed(6);
      document.getElementById("lat").value = found.coords.latitude.toFixed(6);
      form.submit();
    }, function () { status.textContent = form.dataset.refused; }, { enableHighAccuracy: true, timeout: 15000 });
  });
}());
