// A picture for a profile: the middle square of whatever was chosen, made small
// here, so that no large file travels and no place is told by its metadata. And
// which addresses of pictures are asked for.

const SIZE = 256;

/** The square in the middle of a picture, as its left, top and side. */
export function middleSquare(width: number, height: number): { left: number; top: number; side: number } {
  const side = Math.min(width, height);
  return { left: Math.floor((width - side) / 2), top: Math.floor((height - side) / 2), side };
}

/** Draw it onto a canvas; false when it is no picture. */
export async function drawSquare(file: Blob, canvas: HTMLCanvasElement): Promise<boolean> {
  let picture: ImageBitmap;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return false;
  }
  const { left, top, side } = middleSquare(picture.width, picture.height);
  canvas.width = SIZE;
  canvas.height = SIZE;
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, SIZE, SIZE);
  picture.close();
  return true;
}

export function fileOf(canvas: HTMLCanvasElement): Promise<Blob | null> {
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Is this a picture that the page's policy lets it show: one of this host, or one at Cloudinary where that is set? */
export function isShown(url: string): boolean {
  return /^\/(?!\/)/.test(url) || url.startsWith("https://res.cloudinary.com/");
}
