// Before the first paint: the scheme that was chosen; none means what the system prefers.
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch { /* a browser without storage follows the system */ }
