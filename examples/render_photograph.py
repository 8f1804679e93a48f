"""Path-trace a still life on a kitchen table: python render_photograph.py OUT.jpg."""

import sys
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]  # float32: vectors are (3, n), scalars (n,)
WIDTH, HEIGHT, STRATA, TILES = 640, 426, 7, 8  # STRATA squared samples a pixel
SLOPE, FOCUS, APERTURE, EXPOSURE = 0.31, 14.6, 0.17, 0.95
WALL_Z, WINDOW_X, WINDOW_Y, WINDOW_Z, WINDOW_SIZE, GLOW = -7.0, -10.0, 2.2, -2.5, 7.0, 18.0
RNG = np.random.default_rng(7)
LATTICE = RNG.random((32, 32, 32), np.float32)


class Thing(NamedTuple):
    """One object: what it is, where it stands, and how its surface shines."""

    name: str
    place: tuple[float, float, float]
    radius: float = 0  # of a ball about (0, 1, 0) that holds it
    gloss: float = 0  # reflectance seen head on
    rough: float = 0
    bumps: float = 0


THINGS = (
    Thing("table", (0, 0, 0), bumps=0.006),
    Thing("mug", (-1.9, 0, 0.1), 2.0, 0.05, 0.02, 0.002),
    Thing("apple", (1.45, 0, 0.7), 1.3, 0.04, 0.06),
    Thing("orange", (2.0, 0, -1.9), 1.1, 0.035, 0.16, 0.012),
    Thing("orange", (3.8, 0, -0.3), 1.1, 0.035, 0.16, 0.012),
    Thing("banana", (-0.8, 0, 2.9), 2.95, 0.03, 0.18),
)


def vec(*values: float) -> Array:
    """Return one column vector."""
    return np.array(values, np.float32)[:, None]


def length(*parts: Array) -> Array:
    """Return the length of vectors given by their parts."""
    return np.sqrt(np.sum([x * x for x in parts], axis=0))


def mix(a: Array, b: Array, weight: Array) -> Array:
    """Blend from a to b by a weight that is clipped to 0..1."""
    return a + (b - a) * np.minimum(np.maximum(weight, 0), 1)


def noise(p: Array) -> Array:
    """Return smooth value noise in 0..1 at points p."""
    cell = np.floor(p)
    f = (p - cell) ** 2 * (3 - 2 * (p - cell))
    (i, j, k), (x, y, z) = cell.astype(np.int32) & 31, (cell.astype(np.int32) + 1) & 31
    edges = [mix(LATTICE[i, b, c], LATTICE[x, b, c], f[0]) for c in (k, z) for b in (j, y)]
    return mix(mix(edges[0], edges[1], f[1]), mix(edges[2], edges[3], f[1]), f[2])


def gap(name: str, p: Array) -> Array:
    """Return a safe distance from local points p to the surface of a thing."""
    x, y, z = p
    if name == "table":
        return y
    if name == "orange":
        return length(x, (y - 1) * 1.05, z) - 1.04
    if name == "banana":  # an arc that thins and rises towards its ends
        r, turn = length(x, z + 2.2), np.arctan2(x, z + 2.2)
        t = np.minimum(np.maximum(turn, -1.0), 1.24)
        rise = y - 0.5 - 0.3 * t * t
        taper = np.minimum((1.05 - np.abs(t + 0.05)) * 1.75, 1)
        width = 0.13 + 0.39 * np.sqrt(np.maximum(taper * (2 - taper), 0))
        width *= 1 + 0.05 * np.cos(5 * np.arctan2(rise, r - 2.6) + 0.6)
        return (length(r - 2.6, rise, 2.6 * (turn - t)) - width) * 0.75
    r = length(x, z)
    if name == "apple":  # a spindle torus that narrows downwards, and a stem
        lobes = 1 + 0.025 * np.cos(5 * np.arctan2(z, x)) * np.maximum(0.98 - y, 0)
        body = length(r / ((0.863 + 0.14 * y) * lobes) - 0.42, (y - 0.98) * 0.88) - 0.68
        stem = length(x + (y - 1.4) * 0.22, y - np.clip(y, 1.4, 2.06), z) - 0.045
        return np.minimum(0.8 * body, stem)
    cup = length(r - 1.1, y - np.clip(y, 0.22, 2.5)) - 0.075
    ring = length(0.9 * x + 0.436 * z - 1.12, (y - 1.35) * 0.85) - 0.62
    ring = np.maximum(length(ring, (0.9 * z - 0.436 * x) * 0.75) - 0.125, 1.08 - r)
    fillet = np.maximum(0.14 - np.abs(cup - ring), 0)
    mug = np.minimum(cup, ring) - fillet * fillet / 0.56
    base = length(np.maximum(r - 1.02, 0), y - 0.13) - 0.12
    return np.minimum(np.minimum(mug, base), np.maximum(r - 1.05, np.abs(y - 2.1) - 0.05)) * 0.85


def paint(name: str, p: Array) -> Array:
    """Return the colours of a thing at local points p."""
    x, y, z = p
    r, turn = length(x, z), np.arctan2(x, z + 2.2)
    if name == "table":  # a checked cloth over planks of wood
        u, v = 0.9 * x + 0.436 * z - 0.6, 0.9 * z - 0.436 * x - 0.9
        edge = np.maximum(np.abs(u) - 5.6, np.abs(v) - 3.9)
        dyed = np.where(edge > -0.15, 2, np.floor(u / 0.62) % 2 + np.floor(v / 0.62) % 2) / 2
        cloth = mix(vec(0.80, 0.78, 0.73), vec(0.12, 0.22, 0.36), dyed) * (0.9 + noise(p * 22) / 5)
        plank = np.floor(z / 1.7)
        grain = 1.2 * noise(np.stack([x * 0.35 + plank * 7.3, plank, z * 6]))
        wood = mix(vec(0.46, 0.27, 0.14), vec(0.24, 0.12, 0.055), grain)
        wood *= np.where(np.abs(z / 1.7 - plank - 0.5) > 0.488, 0.35, 1 - 0.12 * (plank % 3))
        return np.where(edge < 0, cloth, wood * np.clip(0.5 + edge * 4, 0, 1))
    if name == "orange":
        skin = mix(vec(0.90, 0.33, 0.025), vec(0.80, 0.21, 0.010), noise(p * 2.2))
        return mix(vec(0.16, 0.17, 0.05), skin, (r + 0.1 * noise(p * 9) - 0.14) * 14 + (y < 1) * 9)
    if name == "banana":
        skin = mix(vec(0.88, 0.53, 0.035), vec(0.60, 0.54, 0.07), (turn - 0.7) * 1.8)
        skin = mix(skin, vec(0.24, 0.12, 0.03), (noise(p * 6) - 0.8) * 9 * noise(p * 1.3 + 9))
        return mix(skin, vec(0.07, 0.045, 0.025), np.maximum(turn * 20 - 24, -15.4 - turn * 16))
    if name == "apple":  # green with a blush and pale freckles
        streak = noise(np.stack([np.arctan2(x, z) * 7, y * 1.2, y * 0]))
        skin = mix(vec(0.33, 0.47, 0.05), vec(0.53, 0.57, 0.11), streak)
        skin = mix(skin, vec(0.55, 0.09, 0.05), 0.8 * x + 0.6 * streak + 0.8 * noise(p) - 0.6)
        skin = mix(skin, vec(0.68, 0.66, 0.34), (noise(p * 15) - 0.86) * 9)
        return mix(vec(0.16, 0.10, 0.04), skin, np.where(y > 1, (r - 0.12) * 5, 1) - (y > 1.68))
    glaze = mix(vec(0.02, 0.09, 0.28), vec(0.05, 0.17, 0.40), noise(p * vec(1.5, 5, 1.5)))
    glaze = mix(glaze, vec(0.02, 0.05, 0.12), (noise(p * 12) - 0.84) * 10)
    clay = np.maximum(0.42 - y + 0.05 * noise(p * 3), y - 2.54 + 0.02 * noise(p * 5))
    glaze = mix(glaze, vec(0.50, 0.36, 0.23), clay * 30)
    return np.where((r < 1.03) & (np.abs(y - 2.14) < 0.04), vec(0.07, 0.03, 0.01), glaze)


def trace(o: Array, d: Array, far: Array) -> tuple[Array, Array]:
    """Return how far each ray runs, up to far, and the index of the thing it meets or -1."""
    down = -o[1] / d[1]
    hit = np.where((down > 0) & (down < far) & (o[2] + d[2] * down > WALL_Z), 0, -1)
    far = np.where(hit == 0, down, far)
    for index, thing in enumerate(THINGS[1:], 1):
        start = o - vec(*thing.place)
        middle = d[1] - (start * d).sum(0)
        half = thing.radius**2 + 2 * start[1] - 1 - (start**2).sum(0) + middle**2
        half = np.sqrt(np.maximum(half, 0))
        live = np.flatnonzero((half > 0) & (middle + half > 0) & (middle - half < far))
        t, end = np.maximum(middle - half, 0)[live], np.minimum(middle + half, far)[live]
        start, way = start[:, live], d[:, live]
        for _ in range(70):
            step = gap(thing.name, start + way * t)
            met = live[step < 0.002]
            far[met], hit[met] = t[step < 0.002], index
            keep = np.flatnonzero((step >= 0.002) & (t + step < end))
            if not keep.size:
                break
            live, t, end = live[keep], (t + step)[keep], end[keep]
            start, way = start[:, keep], way[:, keep]
    return far, hit


def surroundings(o: Array, d: Array, glow: float) -> Array:
    """Return the light from the room: a tiled wall and, on the left, a four-paned window."""
    t = (WINDOW_X - o[0]) / np.where(d[0] < 0, d[0], -1e-6)
    y = (o[1] + t * d[1] - WINDOW_Y) / WINDOW_SIZE
    z = (o[2] + t * d[2] - WINDOW_Z) / WINDOW_SIZE
    pane = np.maximum(np.abs(np.abs(y - 0.5) - 0.26), np.abs(np.abs(z - 0.5) - 0.26)) < 0.235
    room = mix(vec(0.17, 0.14, 0.11), vec(0.36, 0.33, 0.29), 0.5 + d[1])
    sky = mix(vec(1.04, 0.98, 0.88), vec(0.90, 0.95, 1.02), y) * glow
    t = (WALL_Z - o[2]) / np.where(d[2] < 0, d[2], -1e-6)
    x, y = o[0] + t * d[0], (o[1] + t * d[1]) / 1.5
    across, row = x / 3 + 0.5 * (np.floor(y) % 2), np.floor(y)
    joint = (np.abs(y - row - 0.5) > 0.46) | (np.abs(across - np.floor(across) - 0.5) > 0.48)
    tone = LATTICE[np.floor(across).astype(int) & 31, row.astype(int) & 31, 3] / 10 - x * 0.035
    tiles = np.where(joint, vec(0.30, 0.29, 0.26), vec(0.50, 0.56, 0.53)) * (tone + 0.8)
    return np.where((d[2] < 0) & (np.abs(x) < 10), tiles, np.where(pane & (d[0] < 0), sky, room))


def lobe(normal: Array, u: Array) -> Array:
    """Return directions about the normals, more of them near, from pairs in 0..1."""
    z, turn = 1 - 2 * u[0], 2 * np.pi * u[1]
    r = np.sqrt(1 - z * z)
    way = normal * 1.001 + np.stack([r * np.cos(turn), r * np.sin(turn), z])
    return way / length(*way)


def radiance(o: Array, d: Array, u: Array, depth: int = 0) -> Array:
    """Return the light along each ray from numbers u in 0..1, sampling the window directly."""
    t, hit = trace(o, d, np.full(d.shape[1], 60, np.float32))
    out = surroundings(o, d, 0 if depth == 1 else GLOW)
    solid = np.flatnonzero(hit >= 0)
    p, d, u, hit = (o + d * t)[:, solid], d[:, solid], u[:, solid], hit[solid]
    n, colour = np.zeros_like(p), np.zeros_like(p)
    for index, thing in enumerate(THINGS):
        mine = np.flatnonzero(hit == index)
        q = p[:, mine] - vec(*thing.place)
        slope = np.zeros_like(q)
        for corner in (vec(1, -1, -1), vec(-1, -1, 1), vec(-1, 1, -1), vec(1, 1, 1)):
            near = q + corner * 0.006
            slope += corner * (gap(thing.name, near) + thing.bumps * noise(near * 13))
        n[:, mine], colour[:, mine] = slope / length(*slope), paint(thing.name, q)
    p += n * 0.008
    window = np.stack([u[0] * 0 + WINDOW_X, *(u[:2] * WINDOW_SIZE + vec(WINDOW_Y, WINDOW_Z))])
    far = length(*(window - p))
    beam = (window - p) / far
    share = np.maximum((n * beam).sum(0), 0) * -beam[0] * WINDOW_SIZE**2 / (np.pi * far**2)
    light = surroundings(p, beam, GLOW) * np.where(trace(p, beam, far)[1] < 0, share, 0)
    light += radiance(p, lobe(n, u[2:4]), u * 97 % 1, 1) if depth == 0 else 0.07
    out[:, solid] = colour * light
    if depth == 0:
        gloss, rough = np.array([thing[3:5] for thing in THINGS], np.float32)[hit].T
        shiny = np.flatnonzero(gloss > 0)
        n, d, gloss, rough = n[:, shiny], d[:, shiny], gloss[shiny], rough[shiny]
        cosine = np.maximum(-(n * d).sum(0), 0)
        mirror = d + 2 * cosine * n + lobe(n * 0, u[4:6, shiny]) * rough
        fresnel = gloss + (0.75 - 2 * rough) * (1 - cosine) ** 5
        seen = radiance(p[:, shiny], mirror / length(*mirror), u[:, shiny] * 89 % 1, 2)
        out[:, solid[shiny]] += fresnel * seen
    return out


def photograph() -> Array:
    """Expose the picture through a thin lens, then develop it: tone, vignette and grain."""
    camera = np.array([[1, 0, 0], [0, 0.943, 0.333], [0, -0.333, 0.943]], np.float32)
    film = np.zeros((3, WIDTH * HEIGHT), np.float32)
    grid = np.stack(np.divmod(np.arange(STRATA**2, dtype=np.float32), STRATA), 1)
    for pixels in np.array_split(np.arange(WIDTH * HEIGHT), TILES):
        for cells in np.hstack([RNG.permutation(grid) for _ in range(5)]):
            u = (cells[:, None] + RNG.random((10, pixels.size), np.float32)) / STRATA
            x, y = pixels % WIDTH + u[6] - WIDTH / 2, HEIGHT / 2 - pixels // WIDTH - u[7]
            ray = np.stack([x * SLOPE * 2 / WIDTH, y * SLOPE * 2 / WIDTH, x * 0 - 1]) * FOCUS
            r, turn = APERTURE * np.sqrt(u[8]), 2 * np.pi * u[9]
            lens = np.stack([r * np.cos(turn), r * np.sin(turn), r * 0])
            way = camera @ (ray - lens).astype(np.float32)
            film[:, pixels] += radiance(camera @ lens + vec(0.5, 6.2, 14.5), way / length(*way), u)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    light = film.reshape(3, HEIGHT, WIDTH) / STRATA**2 * EXPOSURE * (1 - 0.16 * (x * x + y * y))
    light = light * (2.51 * light + 0.03) / (light * (2.43 * light + 0.59) + 0.14)
    picture = np.clip(light, 0, 1) ** (1 / 2.2) + RNG.normal(0, 0.006, (HEIGHT, WIDTH))
    return (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)


if __name__ == "__main__":
    Image.fromarray(photograph()).save(sys.argv[1], quality=88)
