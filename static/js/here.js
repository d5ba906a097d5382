// Offers the device's own place where a form wants a point; without it the form stays hidden.
for (const button of document.querySelectorAll("[data-locate]")) {
  const form = button.form;
  if (!navigator.geolocation || !window.isSecureContext) continue;
  form.hidden = false;
  button.addEventListener("click", (event) => {
    event.preventDefault();
    const say = form.querySelector("[role=status]");
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        form.elements.lon.value = coords.longitude.toFixed(6);
        form.elements.lat.value = coords.latitude.toFixed(6);
        form.submit();
      },
      () => { say.textContent = button.dataset.refused; },
      { enableHighAccuracy: true, timeout: 10000 },
    );
  });
}
