// Hears and sees a call of somebody else: POST {call}/viewers. The page of the call shows its address.
// In a product your own server would pass offer and answer on, so that viewers need no key.

const at = (id) => document.getElementById(id);
let peer = null;

async function watch() {
  at("watch").disabled = true;
  peer = new RTCPeerConnection();
  peer.addTransceiver("audio", { direction: "recvonly" });
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.ontrack = ({ streams }) => {
    at("avatar").srcObject = streams[0];
  };
  peer.onconnectionstatechange = () => {
    if (["failed", "closed"].includes(peer?.connectionState)) over();
  };
  const events = peer.createDataChannel("oai-events");
  events.onclose = over; // the call has ended
  events.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    if (event.type === "response.output_audio_transcript.done") at("said").textContent = event.transcript;
  };
  await peer.setLocalDescription();
  const headers = { "content-type": "application/sdp" };
  if (at("key").value) headers.authorization = `Bearer ${at("key").value}`;
  const body = peer.localDescription.sdp;
  const answer = await fetch(`${at("call").value}/viewers`, { method: "POST", body, headers });
  if (!answer.ok) throw new Error((await answer.json()).error.message);
  await peer.setRemoteDescription({ type: "answer", sdp: await answer.text() });
  at("leave").disabled = false;
}

function over() {
  peer?.close();
  peer = null;
  at("watch").disabled = false;
  at("leave").disabled = true;
}

at("leave").onclick = over;
at("watch").onclick = () =>
  watch().catch((error) => {
    at("said").textContent = error.message;
    over();
  });
