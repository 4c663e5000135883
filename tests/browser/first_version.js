// A client of the first version of the protocol: base64 in `audio_chunk`, no `start`, the end told by `is_final`.
export async function talk(url, hear, chunkMs) {
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(microphone, { mimeType: "audio/webm;codecs=opus" });
  const player = new Audio();
  const socket = new WebSocket(url);
  let sequence = 0;
  let before = Promise.resolve();
  const chunk = async (data, isFinal) => {
    const bytes = new Uint8Array(await data.arrayBuffer());
    const text = btoa(bytes.reduce((letters, byte) => letters + String.fromCharCode(byte), ""));
    socket.send(JSON.stringify({ type: "audio_chunk", data: text, sequence: sequence++, is_final: isFinal }));
  };
  recorder.ondataavailable = ({ data }) => {
    const isFinal = recorder.state === "inactive";
    before = before.then(() => chunk(data, isFinal));
  };
  socket.onopen = () => recorder.start(chunkMs);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "response" && message.audio_url) {
      player.src = new URL(message.audio_url, url.replace(/^ws/, "http"));
      player.play();
    }
    hear(message);
  };
  return { socket, recorder, player, finish: () => recorder.stop() };
}
