// The window's title: the timer in front while one runs, then the page.

let page = "";
let running = "";

function show() {
  document.title = [running, page, "TimeTrackr"].filter(Boolean).join(" · ");
}

export function setPageTitle(title: string) {
  page = title;
  show();
}

export function setRunningTitle(time: string) {
  running = time;
  show();
}
