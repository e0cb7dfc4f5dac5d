"""One validated settings tree: TOML file < environment < flags. The only reader of the environment.

The file is `polytalk.toml` in the working folder, or what `POLYTALK_CONFIG` names. Every setting has an environment
variable, `POLYTALK_` and the path in capitals joined by two underscores: `POLYTALK_SERVER__PORT=8123`.
"""

import math
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyAddress,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from polytalk.errors import ConfigError

PREFIX = "POLYTALK_"
NO_SETTINGS = frozenset({"POLYTALK_CONFIG", "POLYTALK_REQUIRE_SERVICES"})
"""Variables with our prefix that choose the file, or speak to the tests."""

RENAMED = {
    "face": "what moves the lips is [mouth] now, with the same options; what hears for it is [analyse], and what draws "
    "on the server is [[synthesise]]"
}
"""Settings of earlier versions, and where they went."""

Milliseconds = Annotated[int, Field(ge=0, le=60_000)]


class Table(BaseModel):
    """A table of the file; an unknown key is an error, so that a typing mistake is never silently ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Table):
    """Where the gateway listens."""

    host: str = "127.0.0.1"
    port: int = Field(8080, ge=1, le=65535)
    drain_seconds: float = Field(20.0, ge=0, le=3600)
    """When told to end: how long turns and requests under way may take."""
    allowed_origins: tuple[str, ...] = ()
    """Pages of other origins that may use it, such as https://app.example; * for all."""
    trusted_proxies: tuple[IPvAnyNetwork, ...] = ()
    """Whose X-Forwarded-For is believed."""
    open_metrics: bool = False
    """Whether /metrics is for everybody who reaches the port; else for this machine, and keys with its scope."""
    max_connections: int = Field(10_000, ge=1)
    """At once, whatever they are for; one more is closed unheard."""
    max_connections_per_address: int = Field(256, ge=1)
    """Of one client's address; this machine's own and trusted proxies' are not counted."""


class EngineChoice(Table):
    """An engine by its entry point name, and the options it takes (see docs/engines.md)."""

    engine: str
    options: dict[str, Any] = {}


class Quota(Table):
    """What somebody may use; None: as much as there is."""

    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0)
    """Of the language model, read and written."""
    speech_seconds_per_minute: float | None = Field(None, gt=0)
    """Heard and spoken."""
    sessions: int | None = Field(None, ge=1)
    """Conversations at a time."""


QUOTAS = frozenset(Quota.model_fields)
"""Names that a tenant's `limits` may have: its own, and with `key_` before them those of each of its keys."""


class Quotas(Table):
    """What every key and every tenant may use, unless the tenant's own `limits` say otherwise."""

    key: Quota = Quota(requests_per_minute=600, tokens_per_minute=200_000)
    tenant: Quota = Quota(requests_per_minute=3_000, tokens_per_minute=1_000_000)


class TenantSettings(Table):
    """Who pays, and what for. Clients name their tenant by its token, as an API key."""

    name: str = Field(min_length=1, max_length=64)
    token: SecretStr | None = None
    tier: Literal["vip", "standard", "batch"] = "standard"
    entitlement: float = Field(0.0, ge=0)
    """Compute-seconds a second (cores) that are its own; what it leaves unused is lent."""
    ceiling: float | None = Field(None, gt=0)
    lending_limit: float = Field(1.0, ge=0, le=1)
    weight: float | None = Field(None, gt=0, le=1000)
    """Its share beside others that want more than their own; None: what its tier weighs."""
    limits: dict[str, float] = {}
    """Bounds of its own, and with `key_` before the name those of each of its keys; see `Quota`."""

    @field_validator("limits")
    @classmethod
    def _known_limits(cls, given: dict[str, float]) -> dict[str, float]:
        for name, value in given.items():
            if name.removeprefix("key_") not in QUOTAS:
                raise ValueError(f"{name!r} is no limit; there are {', '.join(sorted(QUOTAS))}, and key_… of them")
            if not (0 < value < math.inf) or (name.endswith("sessions") and value < 1):
                raise ValueError(f"{name} can't be {value}")
        return given


ANYBODY = TenantSettings(name="default")
"""Whoever gives no token."""


class Limits(Table):
    """Bounds on every size, rate and time a client can reach."""

    max_sessions: int = Field(64, ge=1)
    max_event_bytes: int = Field(1 << 20, ge=1024)
    """Largest frame a client may send. SDKs expect 1 MiB."""
    max_utterance_seconds: float = Field(60.0, gt=0, le=600)
    max_text_chars: int = Field(8_000, ge=1)
    max_history_items: int = Field(200, ge=2)
    max_history_chars: int = Field(400_000, ge=1)
    max_reply_tokens: int = Field(160, ge=1, le=4096)
    session_seconds: float = Field(3600.0, gt=0)
    idle_seconds: float = Field(900.0, gt=0)
    """Of a session in which nobody says anything: no frame comes, and no event goes out."""
    outbox_events: int = Field(2_000, ge=10)
    """Events waiting for a slow client before it is cut off …"""
    outbox_bytes: int = Field(16 << 20, ge=1 << 16)
    """… and their characters of JSON."""
    queue_jobs: int = Field(1_000, ge=1)
    """Jobs waiting at one engine before new ones are shed."""
    queue_turns: int = Field(60, ge=1)
    """Turns waiting for room before new ones are refused."""
    max_body_bytes: int = Field(1 << 20, ge=1024)
    """Of a JSON request."""
    max_upload_bytes: int = Field(64 << 20, ge=1024)
    """Of a file of sound."""
    max_audio_seconds: float = Field(1800.0, gt=0, le=36_000)
    """Of a recording to be transcribed."""
    max_completion_tokens: int = Field(1024, ge=1)
    """Of an answer to be read."""
    uploads: int = Field(8, ge=1)
    """Files of sound that are received and unpacked at once."""


class TurnSettings(Table):
    """How a conversation flows; a session may change the first three."""

    vad_threshold: float = Field(0.5, gt=0, lt=1)
    prefix_padding_ms: Milliseconds = 300
    silence_duration_ms: Milliseconds = 500
    send_lead_ms: Milliseconds = 800
    """How far ahead of playback audio is sent: enough for jitter, little to throw away on an interruption."""
    max_lead_ms: Milliseconds = 3_000
    """How far ahead of playback speech is made."""
    speculate: bool = True
    """Begin to answer at the first pause, while capacity is idle; dropped without trace when the user goes on."""


class StoreSettings(Table):
    """What is remembered, and for how long."""

    url: SecretStr | None = None
    """postgresql://user:password@host/name; None: a SQLite file in the data folder."""
    transcript_days: float = Field(30.0, ge=0)
    """How long what was said is kept; 0: it is not written down."""
    audit_days: float = Field(365.0, gt=0)
    """How long it is kept what operators did."""
    queue: int = Field(10_000, ge=10)
    """Writes that may wait for the database before new ones are dropped, and counted."""
    grace_seconds: float = Field(900.0, ge=0)
    """How long keys that are known still open while the database can't be asked."""


class CacheSettings(Table):
    """What is kept of speech, mouths and clips, so that nothing is rendered twice."""

    memory_bytes: int = Field(256 << 20, ge=0)
    disk_bytes: int = Field(10 << 30, ge=0)
    """0: nothing is written to disk."""
    folder: Path | None = None
    """Instead of `renders` in the cache folder."""


class VideoSettings(Table):
    """Pictures that are made here for clients that don't draw."""

    codec: Literal["h264", "vp9"] = "h264"
    """libx264 is GPL; vp9 is the choice without its licence, and takes longer."""
    audio_codec: Literal["opus", "aac"] = "opus"
    size: int = Field(512, ge=64, le=1080, multiple_of=2)
    """Width and height in pixels of the picture, when a client names none."""
    fps: float = Field(25.0, ge=1, le=30)
    """Pictures a second, at most."""
    label: bool = False
    """Print the visible label of `marking` on the pictures, for clients that show none beside them; ours does."""
    queue_bytes: int = Field(4 << 20, ge=1 << 16)
    """Of media that may wait for a slow client before its media socket is closed."""


class ClipSettings(Table):
    """Clips that clients order (`/v1/videos`)."""

    folder: Path | None = None
    """Instead of `clips` in the data folder."""
    keep_hours: float = Field(24.0, gt=0)
    """After which a clip and its order are deleted."""
    queue: int = Field(20, ge=0)
    """Of a tenant's orders that may wait; there may be ten times as many in all."""
    at_once: int = Field(1, ge=0)
    """Clips made at the same time; 0 leaves them to another process with the same folder."""
    max_text_chars: int = Field(20_000, ge=1)


class IceServer(Table):
    """A STUN or TURN server by which this server learns of more ways to itself."""

    urls: tuple[str, ...] = Field(min_length=1)
    """stun:host:port, turn:host:port?transport=udp, turns:…"""
    username: str | None = None
    credential: SecretStr | None = None


class WebRtcSettings(Table):
    """Calls over WebRTC."""

    enabled: bool = True
    ice_servers: tuple[IceServer, ...] = ()
    addresses: tuple[IPvAnyAddress, ...] = ()
    """Of this machine, on which calls are taken; empty takes all of them."""
    public_addresses: tuple[IPvAnyAddress, ...] = ()
    """Under which clients reach this machine, where a NAT translates one to one."""
    first_port: int = Field(0, ge=0, le=65535)
    """UDP ports of calls, one each; 0 takes any that is free."""
    last_port: int = Field(0, ge=0, le=65535)
    setup_seconds: float = Field(10.0, gt=0, le=15)
    """A call that is not connected by then gives its place back."""
    silence_seconds: float = Field(12.0, gt=0, le=15)
    """A client from which nothing at all came for so long is gone."""
    max_sdp_bytes: int = Field(64 << 10, ge=1024, le=1 << 20)
    viewers_per_call: int = Field(20, ge=0, le=1000)
    """Who may watch one call; 0 lets nobody."""
    viewers: int = Field(100, ge=0, le=10_000)
    """Who may watch calls of this server, all together."""

    @model_validator(mode="after")
    def _a_range(self) -> "WebRtcSettings":
        if (self.first_port == 0) != (self.last_port == 0) or self.last_port < self.first_port:
            raise ValueError(f"{self.first_port} to {self.last_port} is no range of ports; give both, lowest first")
        return self


class MarkingSettings(Table):
    """How clips say that they are AI-generated."""

    label: bool = True
    """The visible one; the metadata say so in any case."""
    place: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = "bottom-right"
    language: Literal["en", "zh"] | None = None
    """Of label and metadata; None takes the first of `languages`."""
    producer: str = Field("Polytalk", min_length=1, max_length=200)
    """Name or registered code of the service, for the metadata."""
    c2pa_certificate: Path | None = None
    """PEM chain, the signer's first; with it and the key, files are signed."""
    c2pa_key: Path | None = None
    c2pa_algorithm: Literal["es256", "es384", "es512", "ps256", "ps384", "ps512", "ed25519"] = "es256"
    c2pa_timestamps: str = ""
    """Address of a time-stamping authority (RFC 3161); without one a signature ends with its certificate."""

    @model_validator(mode="after")
    def _both_or_none(self) -> "MarkingSettings":
        if (self.c2pa_certificate is None) != (self.c2pa_key is None):
            raise ValueError("c2pa_certificate and c2pa_key go together")
        return self


class Settings(BaseSettings):
    """The whole tree."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    languages: Annotated[tuple[Literal["en", "zh"], ...], NoDecode] = ("en",)
    avatar: str = "mira"
    """Who answers when a client does not say whom it wants."""
    cores: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)), ge=1)
    """Cores the engines may use at once."""
    vip_cores: int = Field(0, ge=0)
    """So many of them nobody but vips may use."""
    cache_folder: Path = Field(default_factory=lambda: _user_cache() / "polytalk")
    data_folder: Path = Field(default_factory=lambda: _user_data() / "polytalk")
    """Where the database is, unless `store.url` names another, and ordered clips."""
    avatars_folder: Path = Field(default_factory=lambda: _user_data() / "polytalk" / "avatars")
    """Where avatars are that were made of photographs, or imported."""
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    log_content: bool = False
    """Whether what people say and ask may be logged, as libraries do at the level debug."""
    server: ServerSettings = ServerSettings()
    limits: Limits = Limits()
    quotas: Quotas = Quotas()
    turn: TurnSettings = TurnSettings()
    store: StoreSettings = StoreSettings()
    cache: CacheSettings = CacheSettings()
    video: VideoSettings = VideoSettings()
    clips: ClipSettings = ClipSettings()
    webrtc: WebRtcSettings = WebRtcSettings()
    marking: MarkingSettings = MarkingSettings()
    vad: EngineChoice = EngineChoice(engine="silero")
    asr: EngineChoice = EngineChoice(engine="whisper")
    llm: EngineChoice = EngineChoice(engine="smollm2")
    tts: tuple[EngineChoice, ...] = ()
    """Several voices need several engines; empty chooses by `languages`."""
    analyse: EngineChoice = EngineChoice(engine="mels")
    mouth: EngineChoice = EngineChoice(engine="net")
    synthesise: tuple[EngineChoice, ...] = ()
    """Who draws on the server: the first that can draw an avatar does. Empty chooses one for each kind of avatar."""
    embed: EngineChoice = EngineChoice(engine="e5")
    """Finds what avatars know by its meaning; loaded when one has a knowledge file."""
    aliases: dict[str, str] = {}
    """Further names of avatars and engines, for clients that ask for a `model` by another name, and of voices."""
    prompts: dict[str, str] = {}
    """Instructions by name, for clients that ask for a `prompt` by its id; `{{words}}` in them are its variables."""
    knowledge: dict[str, Path] = {}
    """Avatar -> what it knows by heart, besides what every avatar knows about itself."""
    tenants: tuple[TenantSettings, ...] = ()
    """Besides `default`, which is whoever gives no token."""

    @model_validator(mode="before")
    @classmethod
    def _explain_renamed(cls, values: Any) -> Any:
        if isinstance(values, dict) and (old := sorted(RENAMED.keys() & values.keys())):
            raise ValueError("; ".join(f"[{name}] is gone: {RENAMED[name]}" for name in old))
        return values

    @field_validator("languages", mode="before")
    @classmethod
    def _split_languages(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("languages")
    @classmethod
    def _some_language(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one language, such as en")
        return value

    @model_validator(mode="after")
    def _cores_for_all(self) -> "Settings":
        if self.vip_cores >= self.cores:
            raise ValueError(f"vip_cores of {self.vip_cores} leaves none of the {self.cores} cores to others")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    def renders_folder(self) -> Path:
        """Where renderings are kept."""
        return self.cache.folder or self.cache_folder / "renders"

    def clips_folder(self) -> Path:
        """Where clips are that clients ordered."""
        return self.clips.folder or self.data_folder / "clips"

    def store_url(self) -> str:
        """Where the database is, password included."""
        if self.store.url is not None:
            return self.store.url.get_secret_value()
        return f"sqlite:///{(self.data_folder / 'polytalk.db').absolute()}"

    def synthesise_choices(self) -> tuple[EngineChoice, ...]:
        """The engines that draw: one for each kind of avatar when none are named."""
        return self.synthesise or (EngineChoice(engine="raster"), EngineChoice(engine="photo"))

    def asr_choice(self) -> EngineChoice:
        """The ASR engine, with the shipped one hearing the chosen languages."""
        if self.asr.engine != "whisper" or "model" in self.asr.options:
            return self.asr
        model = "tiny.en" if self.languages == ("en",) else "base"
        hears: dict[str, Any] = {"model": model} | ({"languages": list(self.languages)} if model == "base" else {})
        return EngineChoice(engine="whisper", options=hears | self.asr.options)

    def tts_choices(self) -> tuple[EngineChoice, ...]:
        """The TTS engines, by language when none are named."""
        if self.tts:
            return self.tts
        chosen = [EngineChoice(engine="hibari"), EngineChoice(engine="joe")] if "en" in self.languages else []
        return (*chosen, EngineChoice(engine="kokoro")) if "zh" in self.languages else tuple(chosen)


def load_settings(**flags: Any) -> Settings:
    """Read the tree; flags that are None are not set. Raises ConfigError with every bad setting named."""
    given = {name: value for name, value in flags.items() if value is not None}
    _check_sources()
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = (f"  {'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r:.80})" for e in error.errors())
        raise ConfigError("these settings can't be used:\n" + "\n".join(lines)) from None
    except SettingsError as error:  # such as a list in the environment that is not JSON
        raise ConfigError(f"the environment can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{config_file()} is not valid TOML: {error}") from None


def config_file() -> Path:
    """The TOML file that is read when it exists."""
    return Path(os.environ.get("POLYTALK_CONFIG", "polytalk.toml"))


def _check_sources() -> None:
    """A misspelt variable or file name must not be ignored silently: its author believes that it counts."""
    chosen = os.environ.get("POLYTALK_CONFIG")
    if chosen and not Path(chosen).is_file():
        raise ConfigError(f"POLYTALK_CONFIG names {chosen}, and there is no such file")
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in NO_SETTINGS:
            continue
        table: type[BaseModel] = Settings
        for part in variable.removeprefix(PREFIX).lower().split("__"):
            if table is Settings and part in RENAMED:
                raise ConfigError(f"the variable {variable} names no setting any more: {RENAMED[part]}")
            if part not in table.model_fields:
                known = ", ".join(sorted(table.model_fields))
                raise ConfigError(f"the variable {variable} names no setting: {part!r} is none of {known}")
            kind = table.model_fields[part].annotation
            if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
                break
            table = kind


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def _user_data() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
