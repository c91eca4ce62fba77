// What both pages share: telling the driver, media that stays on loopback, and what getStats says.

/** Tells the driver; it passes the event on as one line of JSON. */
export function tell(event, detail = {}) {
  window.tellDriver({ event, ...detail });
}

export const audioOnly = { audio: true, video: false };
export const noIceServers = { iceServers: [] };

/** A session description without the candidates of the machine's other addresses: the test leaves loopback alone. */
export function loopbackOnly(sdp) {
  return sdp
    .split("\r\n")
    .filter((line) => !line.startsWith("a=candidate:") || line.split(" ")[4] === "127.0.0.1")
    .join("\r\n");
}

/** Plays what arrives: audio that nobody plays is not decoded and has no energy. */
export function play(connection) {
  connection.addEventListener("track", (event) => {
    const audio = document.createElement("audio");
    audio.autoplay = true;
    audio.srcObject = event.streams[0] ?? new MediaStream([event.track]);
    document.body.append(audio);
  });
}

/** Packets of audio both ways, the energy of what was heard, and how the connection was secured. */
export async function audioStats(connection) {
  const stats = { sent: 0, received: 0, energy: 0, connection: connection.connectionState, dtls: "" };
  for (const report of (await connection.getStats()).values()) {
    if (report.type === "outbound-rtp") stats.sent += report.packetsSent ?? 0;
    if (report.type === "inbound-rtp") {
      stats.received += report.packetsReceived ?? 0;
      stats.energy += report.totalAudioEnergy ?? 0;
    }
    if (report.type === "transport") stats.dtls = report.dtlsState ?? "";
  }
  return stats;
}
