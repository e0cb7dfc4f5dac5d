/** The sheet in which avatar and voice are chosen. */

import { Painter, styleOf } from "../face/paint";
import { indexOf, PARAMETERS } from "../face/rig";
import type { I18n } from "../i18n";
import { type Choice, NO_CHOICE, type Renderer, TRAVELS, type Travel } from "../model/choice";
import type { AvatarEntry, Catalogue, Likeness, VoiceEntry } from "../protocol/catalogue";
import { el, make } from "./dom";

export class Chooser {
  private readonly faces = el("faces");
  private readonly voices = el("voices");
  private readonly renderers = el("renderers");
  private readonly travels = el("travels");
  private choice = NO_CHOICE;
  private drawn = "";

  constructor(
    private readonly i18n: I18n,
    private readonly likenessOf: (entry: AvatarEntry) => Promise<Likeness>,
    private readonly chosen: (choice: Choice) => void,
    private readonly drawnBy: (renderer: Renderer) => void,
    private readonly travelsBy: (travel: Travel) => void,
  ) {}

  draw(catalogue: Catalogue, choice: Choice, renderer: Renderer, travel: Travel): void {
    this.choice = choice;
    const shown = JSON.stringify([this.i18n.language, catalogue]);
    if (shown !== this.drawn) {
      this.faces.replaceChildren(...catalogue.avatars.map((entry) => this.face(entry)));
      this.voices.replaceChildren(...catalogue.voices.map((entry) => this.voice(entry)));
      this.renderers.replaceChildren(...(["here", "server"] as const).map((one) => this.renderer(one)));
      this.travels.replaceChildren(...TRAVELS.map((one) => this.travel(one)));
      this.drawn = shown;
    }
    check(this.faces, choice.avatar);
    check(this.voices, choice.voice);
    check(this.renderers, renderer);
    check(this.travels, travel);
  }

  private face(entry: AvatarEntry): HTMLElement {
    const picture = make("canvas", "thumb");
    picture.width = picture.height = 216;
    picture.setAttribute("aria-hidden", "true");
    this.likenessOf(entry).then(
      (likeness) => drawPortrait(picture, likeness),
      () => undefined, // the name still says who it is; choosing it tells what is wrong
    );
    const pick = radio("avatar", entry.id, () => this.chosen({ avatar: entry.id, voice: entry.voice }));
    return make("label", "face", pick, picture, make("span", "face-name", this.i18n.name(entry.name)));
  }

  private voice(entry: VoiceEntry): HTMLElement {
    const { t } = this.i18n;
    const gender = entry.gender === "female" ? t.female : entry.gender === "male" ? t.male : "";
    const languages = entry.languages.map((tag) => this.languageName(tag)).join(" · ");
    const detail = [languages, gender].filter(Boolean).join(", ");
    const pick = radio("voice", entry.id, () => this.chosen({ avatar: this.choice.avatar, voice: entry.id }));
    return option(pick, entry.name, detail);
  }

  private renderer(renderer: Renderer): HTMLElement {
    const { drawnHere, drawnThere } = this.i18n.t;
    const pick = radio("renderer", renderer, () => this.drawnBy(renderer));
    return option(pick, renderer === "here" ? drawnHere : drawnThere);
  }

  private travel(travel: Travel): HTMLElement {
    const { t } = this.i18n;
    const pick = radio("travel", travel, () => this.travelsBy(travel));
    return option(pick, t.travel[travel], t.travelDetail[travel]);
  }

  private languageName(tag: string): string {
    const names = new Intl.DisplayNames([this.i18n.language], { type: "language" });
    try {
      return names.of(tag) ?? tag;
    } catch {
      return tag; // not a language tag
    }
  }
}

/** A line of a list. */
function option(pick: HTMLInputElement, name: string, detail = ""): HTMLElement {
  return make("label", "voice", pick, make("span", "voice-name", name), make("span", "voice-detail", detail));
}

function radio(name: string, value: string, pick: () => void): HTMLInputElement {
  const input = make("input", "pick");
  input.type = "radio";
  input.name = name;
  input.value = value;
  input.addEventListener("change", pick);
  return input;
}

function check(group: HTMLElement, value: string): void {
  for (const input of group.querySelectorAll("input")) input.checked = input.value === value;
}

/** The avatar at rest, a drawn one with a slight smile, filling a square. */
export function drawPortrait(canvas: HTMLCanvasElement, likeness: Likeness): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  if (!("layers" in likeness)) {
    drawPhoto(context, "image" in likeness ? likeness.image : likeness.portrait);
    return;
  }
  const rig = likeness;
  const zoom = 1.25; // the face, and less of the shoulders
  const scale = (canvas.width / rig.size[0]) * zoom;
  const view = {
    scale,
    x: (canvas.width - rig.size[0] * scale) / 2,
    y: (canvas.height - rig.size[1] * scale) * 0.35,
  };
  context.setTransform(scale, 0, 0, scale, view.x, view.y);
  context.fillStyle = styleOf(context, rig.background);
  context.fillRect(-view.x / scale, -view.y / scale, canvas.width / scale, canvas.height / scale);
  const values = new Float64Array(PARAMETERS.length);
  values[indexOf.smile] = 0.4;
  new Painter(rig).draw(context, view, values);
}

/** The server cuts squares with the face in the upper middle. */
function drawPhoto(context: CanvasRenderingContext2D, image: HTMLImageElement): void {
  const { width, height } = context.canvas;
  const side = 0.72 * image.naturalWidth;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (image.naturalWidth - side) / 2, 0.1 * side, side, side, 0, 0, width, height);
}
