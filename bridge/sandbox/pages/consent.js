// Typing a new handle chooses "Another one".
"use strict";
const typed = document.querySelector("input[name=new_handle]");
typed.addEventListener("input", () => {
  document.querySelector("input[name=account][value='']").checked = true;
});
