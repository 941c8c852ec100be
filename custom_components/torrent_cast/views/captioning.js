// Has Home Assistant's own player in the browser show subtitles. By itself it has none: it plays HLS by the build of
// hls.js without them, and gives a file no tracks. What is looked for here belongs to the frontend and may change; then
// no subtitles are offered, and all else is as ever.

const DIALOG = "hui-dialog-web-browser-play-media";
const OURS = /^.*\/api\/torrent_cast\/[\w-]+\//;
// The dialogue shows its video once its script is there; ms.
const PATIENCE = 30_000;
// Lines are fetched so long before they are due: pictures are farther ahead. s
const AHEAD = 10;

const SEGMENT = /#EXTINF:([\d.]+),\n(.+)/g;
const CUE = /([\d:.]+) --> ([\d:.]+).*\n([^]*?)(?=\n\n|\n*$)/g;

addEventListener("show-dialog", ({detail}) => {
  const [base] = (detail.dialogTag === DIALOG && OURS.exec(detail.dialogParams?.sourceUrl ?? "")) || [];
  if (base) offer(base);
});

async function offer(base) {
  const tracks = JSON.parse(await read(`${base}subtitles/tracks.json`));
  const video = tracks.length && await shown(performance.now() + PATIENCE);
  if (video) for (const one of tracks) add(video, one);
}

async function read(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${answer.status} for subtitles`);
  return answer.text();
}

// The dialogue's video: nothing tells when it is there.
async function shown(until) {
  while (performance.now() < until) {
    const dialog = document.querySelector("home-assistant")?.shadowRoot?.querySelector(DIALOG)?.shadowRoot;
    const player = dialog?.querySelector("ha-hls-player")?.shadowRoot ?? dialog;
    const video = player?.querySelector("video");
    if (video) return video;
    await new Promise(requestAnimationFrame);
  }
}

// Not a <track>: where there is one, browsers choose some subtitles by themselves, beside those that are to be shown.
function add(video, one) {
  const track = video.addTextTrack(one.kind, one.label, one.language);
  const parts = one.file ? file(one.file) : playlist(one.playlist);
  const begun = new Set();
  const said = new Set();

  const say = text => {
    for (const [line, from, to, words] of text.matchAll(CUE)) {
      if (!said.has(line)) track.addCue(new VTTCue(seconds(from), seconds(to), words));
      said.add(line);  // where it goes on over the end of a segment it may be in the next, too
    }
  };
  const look = async () => {
    if (track.mode === "disabled") return;
    const now = video.currentTime;
    for (const {begin, end, address} of await parts(now + AHEAD)) {
      if (end <= now || begin >= now + AHEAD || begun.has(address)) continue;
      begun.add(address);
      read(address).then(say);
    }
  };

  track.mode = one.shown ? "showing" : "disabled";
  for (const [target, event] of [[video, "timeupdate"], [video, "seeking"], [video.textTracks, "change"]]) {
    target.addEventListener(event, look);
  }
}

// Both return what tells, for a second of the film up to which lines are wanted, where they are.

// Subtitles beside the film are in one file,
function file(address) {
  return async () => [{begin: 0, end: Infinity, address}];
}

// its own in segments, which may still become more.
function playlist(address) {
  const base = new URL(address, location);
  let segments = [];
  let end = 0;
  let isComplete = false;
  let reading = null;

  const list = text => {
    segments = [];
    end = 0;
    for (const [, length, name] of text.matchAll(SEGMENT)) {
      segments.push({begin: end, end: end += Number(length), address: new URL(name, base).href});
    }
    isComplete = text.includes("#EXT-X-ENDLIST");
  };
  return async until => {
    if (!isComplete && end < until) {
      reading ??= read(address).then(list).finally(() => { reading = null; });
      await reading;
    }
    return segments;
  };
}

// Hours, minutes and seconds as WebVTT writes them.
function seconds(clock) {
  return clock.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}
