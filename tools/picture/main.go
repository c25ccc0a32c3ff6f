// Command picture makes a screenshot small enough for the README: its top, with the 256 colours
// that it has most of.
//
//	go run ./tools/picture -height 900 dist/screenshots/demo-overview-light.png docs/images/overview.png
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"slices"
)

func main() {
	height := flag.Int("height", 0, "keep so many rows of pixels of the top; 0 keeps all")
	flag.Parse()
	if err := run(flag.Args(), *height); err != nil {
		fmt.Fprintln(os.Stderr, "picture:", err)
		os.Exit(1)
	}
}

func run(files []string, height int) error {
	if len(files) != 2 || height < 0 {
		return errors.New("usage: picture [-height ROWS] SCREENSHOT.png PICTURE.png")
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return err
	}
	screenshot, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", files[0], err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, reduced(screenshot, height)); err != nil {
		return fmt.Errorf("%s: %w", files[1], err)
	}
	return os.WriteFile(files[1], out.Bytes(), 0o644)
}

// reduced is the top of a picture in the 256 colours that it has most of; others become the nearest one.
func reduced(picture image.Image, height int) *image.Paletted {
	area := picture.Bounds()
	if height > 0 {
		area.Max.Y = min(area.Max.Y, area.Min.Y+height)
	}
	count := map[color.Color]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			count[picture.At(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), compareColors(a, b))
	})
	small := image.NewPaletted(area.Sub(area.Min), color.Palette(most[:min(len(most), 256)]))
	draw.Draw(small, small.Bounds(), picture, area.Min, draw.Src)
	return small
}

// compareColors orders colours that are equally frequent, so that a picture is the same each time.
func compareColors(a, b color.Color) int {
	ar, ag, ab, aa := a.RGBA()
	br, bg, bb, ba := b.RGBA()
	return slices.Compare([]uint32{ar, ag, ab, aa}, []uint32{br, bg, bb, ba})
}
