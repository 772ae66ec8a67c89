import init from "./{{js}}";

init({ module_or_path: new URL("./{{wasm}}", import.meta.url) }).catch((error) => {
  const message = document.createElement("p");
  message.setAttribute("role", "alert");
  message.textContent = `The console could not start: ${error}`;
  document.body.append(message);
});
