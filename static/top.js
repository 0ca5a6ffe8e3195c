// Moves the page that frames this one. Where the browser forbids it, the link on the page stays.
(function () {
  "use strict";
  try {
    window.top.location.href = document.currentScript.dataset.url;
  } catch (error) {
    // A sandboxed frame may not; there is nothing to do but to leave the link.
  }
})();
