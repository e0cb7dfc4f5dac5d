// A spoken conversation with `@openai/agents-realtime`: node session.mjs reply.wav question.wav [interruption.wav ...]
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents-realtime";
import { Phone } from "./phone.mjs";

const [out, ...recordings] = process.argv.slice(2);
const url = `${process.env.OPENAI_BASE_URL.replace("http", "ws")}/realtime?model=mira`; // OPENAI_BASE_URL=http://127.0.0.1:8080/v1
const phone = new Phone(recordings, out);
const agent = new RealtimeAgent({ name: "Mira" });
const transport = new OpenAIRealtimeWebSocket({ url, useInsecureApiKey: true });
const session = new RealtimeSession(agent, { transport, model: "mira" });

let answer;
session.on("audio", ({ data, responseId }) => {
  if (responseId !== answer) phone.begin();
  answer = responseId;
  phone.play(data);
});
session.on("audio_interrupted", () => {
  if (phone.plays) console.log(`interrupted after ${phone.drop()} ms`);
});
session.on("agent_end", (_context, _agent, output) => console.log("avatar:", output));
session.on("transport_event", (event) => {
  if (event.type === "conversation.item.input_audio_transcription.completed") console.log("you:", event.transcript);
});
session.on("error", ({ error }) => {
  console.error(error);
  process.exitCode = 1;
});

await session.connect({ apiKey: process.env.OPENAI_API_KEY });
for await (const frame of phone.microphone()) session.sendAudio(frame.buffer);
session.close();
