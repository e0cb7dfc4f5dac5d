/** One loudspeaker of two: films bring their own sound, other answers are played by the page. */

import type { Cut } from "../audio/playback";
import type { Position } from "../audio/timeline";
import type { Loudspeaker } from "../model/ports";

export interface Films extends Loudspeaker {
  has(stream: string): boolean;
}

export class Sound implements Loudspeaker {
  constructor(
    private readonly films: Films,
    private readonly page: () => Loudspeaker,
  ) {}

  push(stream: string, samples: Float32Array<ArrayBuffer>): void {
    this.page().push(stream, samples);
  }

  end(stream: string): void {
    this.of(stream).end(stream);
  }

  flush(): Cut[] {
    return [...this.films.flush(), ...this.page().flush()];
  }

  position(): Position | null {
    const film = this.films.position();
    return film?.sounding ? film : (this.page().position() ?? film);
  }

  heardMs(stream: string): number {
    return this.of(stream).heardMs(stream);
  }

  receivedMs(stream: string): number {
    return this.of(stream).receivedMs(stream);
  }

  finished(stream: string): boolean {
    return this.of(stream).finished(stream);
  }

  forget(stream: string): void {
    this.of(stream).forget(stream);
  }

  firstHeardAt(stream: string): number | null {
    return this.of(stream).firstHeardAt(stream);
  }

  private of(stream: string): Loudspeaker {
    return this.films.has(stream) ? this.films : this.page();
  }
}
