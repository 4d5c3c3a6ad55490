// Runs before the first paint: the chosen theme, if it is not the system's.
try {
  var theme = localStorage.getItem("timetrackr.theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch (error) {
  // without storage it is the system's
}
