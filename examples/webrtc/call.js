// A whole client of POST /v1/realtime/calls, without a library. Serve this folder by any means:
//   python -m http.server 8000 --bind 127.0.0.1 --directory examples/webrtc
// and let the server know where it is called from:
//   POLYTALK_SERVER__ALLOWED_ORIGINS='["http://localhost:8000"]' polytalk serve

const at = (id) => document.getElementById(id);
let peer = null;
let events = null;
let location_ = null;

async function call() {
  at("call").disabled = true;
  peer = new RTCPeerConnection();
  peer.ontrack = ({ streams }) => {
    at("avatar").srcObject = streams[0]; // sound and picture are one stream, so that they stay together
  };
  peer.onconnectionstatechange = () => {
    if (["failed", "closed", "disconnected"].includes(peer?.connectionState)) over();
  };
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  for (const track of microphone.getTracks()) peer.addTrack(track, microphone);
  if (at("pictures").checked) peer.addTransceiver("video", { direction: "recvonly" });
  events = peer.createDataChannel("oai-events");
  events.onmessage = ({ data }) => heard(JSON.parse(data));
  events.onclose = over;
  await peer.setLocalDescription();
  const headers = { "content-type": "application/sdp" };
  if (at("key").value) headers.authorization = `Bearer ${at("key").value}`;
  const answer = await fetch(`${at("server").value}/v1/realtime/calls`, {
    method: "POST",
    body: peer.localDescription.sdp,
    headers,
  });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  location_ = new URL(answer.headers.get("location"), at("server").value);
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  at("hangup").disabled = false;
  say("to watch this call", location_.href);
}

function heard(event) {
  if (event.type === "conversation.item.input_audio_transcription.completed") say("you", event.transcript);
  if (event.type === "response.output_audio_transcript.done") say("avatar", event.transcript);
  if (event.type === "error") say("error", event.error.message);
}

function say(who, text) {
  if (!text) return;
  const line = document.createElement("li");
  line.textContent = `${who}: ${text}`;
  at("said").append(line);
}

function over() {
  for (const sender of peer?.getSenders() ?? []) sender.track?.stop();
  peer?.close();
  peer = events = null;
  at("call").disabled = false;
  at("hangup").disabled = true;
}

at("call").onclick = () =>
  call().catch((error) => {
    say("error", error.message);
    over();
  });
at("hangup").onclick = async () => {
  const headers = at("key").value ? { authorization: `Bearer ${at("key").value}` } : {};
  await fetch(`${location_}/hangup`, { method: "POST", headers });
  over();
};
at("write").onsubmit = (submitted) => {
  submitted.preventDefault();
  const content = [{ type: "input_text", text: at("text").value }];
  events?.send(JSON.stringify({ type: "conversation.item.create", item: { type: "message", role: "user", content } }));
  events?.send(JSON.stringify({ type: "response.create" }));
  say("you", at("text").value);
  at("text").value = "";
};
