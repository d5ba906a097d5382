// Ready-made answers: choosing one fills the public text, unless somebody has typed words of their own there.
(function () {
  "use strict";
  var known = new WeakSet();
  function wire(select) {
    if (known.has(select)) return;
    known.add(select);
    var text = document.getElementById(select.dataset.fills), filled = text.value, form = select.form;
    // Enter in a field presses the first button of a form: that must be the real one.
    form.querySelectorAll("[name=fill]").forEach(function (button) { button.remove(); });
    select.addEventListener("change", function () {
      var chosen = select.selectedOptions[0];
      if (!chosen.dataset.text || (text.value !== "" && text.value !== filled && !confirm(select.dataset.sure))) return;
      text.value = filled = chosen.dataset.text;
      var ending = form.querySelector("input[name=closing_code][value=" + chosen.dataset.ending + "]");
      if (ending) ending.checked = true;
    });
  }
  function wireAll() { document.querySelectorAll("select[data-fills]").forEach(wire); }
  wireAll();
  document.addEventListener("wenlu:changed", wireAll); // new parts of an open page
}());
