// Before and after: lays the two photos upon each other, with a slider that keys move as well as fingers.
(function () {
  "use strict";
  var number = 0;
  function lay(figure) {
    var photos = figure.querySelector(".compare-photos"), slider = document.createElement("input");
    slider.type = "range"; slider.min = "0"; slider.max = "100"; slider.value = "50";
    slider.id = "compare-" + number++;
    slider.setAttribute("aria-label", figure.dataset.label);
    function cut() { photos.style.setProperty("--cut", (100 - slider.value) + "%"); }
    slider.addEventListener("input", cut);
    figure.appendChild(slider);
    figure.classList.add("is-slider");
    cut();
  }
  function layAll() { document.querySelectorAll(".compare:not(.is-slider)").forEach(lay); }
  layAll();
  document.addEventListener("wenlu:changed", layAll); // new parts of an open page
}());
