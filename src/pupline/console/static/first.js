// Before the first paint: the chosen theme, and a sign that scripts run. Everything else is in console.js.
document.documentElement.classList.add("has-script");
try {
  const theme = localStorage.getItem("pupline-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; then the theme is the system's.
}
