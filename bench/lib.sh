# shellcheck shell=bash
# Shared by bench/real and bench/photos: flags, methods, the table and the contact sheet. To be sourced.

here="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
zsr="${ZSR:-$here/build/release/zsr}"
program="bench/$(basename "$0")"
crop=0 shave="" sheet="" niqe="${ZSR_NIQE:-}"
positional=()
# One entry per method. The words of method_flags are separated by spaces; method_weights is a file or empty.
method_names=(bicubic edsr default) method_flags=("-m bicubic" "-m edsr" "") method_weights=("" "" "")
shown=()              # numbers of the methods that gave results, in the order of the table
declare -A lr_of=() hr_of=()  # name of a photo without its extension -> file

die() { echo "$program: $*" >&2; exit 1; }
usage() { awk 'NR > 1 && /^#/ {sub(/^# ?/, ""); print; next} NR > 1 {exit}' "$0"; exit "${1:-2}"; }

# Why zsr failed: its last message in the log file $1.
reason() { { grep -v 'zsr: warning' "$1" | grep '^zsr: ' || cat "$1"; } | tail -1 | sed 's/^zsr: //'; }

# Splits the command line into `positional` and the variables above.
parse_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage 0 ;;
      --weights | --method | --crop | --shave | --sheet | --niqe)
        [[ $# -ge 2 && -n $2 ]] || die "$1 needs a value; $program --help shows how"
        parse_flag "$1" "$2"
        shift ;;
      -*) die "unknown flag '$1'; $program --help lists the flags" ;;
      *) positional+=("$1") ;;
    esac
    shift
  done
}

parse_flag() { # flag, value
  case $1 in
    --weights)
      [ -f "$2" ] || die "--weights '$2' is no file"
      local name
      name=$(basename "$2")
      add_method "${name%.*}" "" "$2" ;;
    --method)
      [[ $2 =~ ^([^:]*[^:[:space:]]):(.*)$ ]] || die "--method '$2' must be 'NAME: flags of zsr upscale'"
      add_method "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "" ;;
    --crop) [[ $2 =~ ^[1-9][0-9]*$ ]] || die "--crop '$2' must be a number of pixels"; crop=$2 ;;
    --shave) [[ $2 =~ ^[0-9]+$ ]] || die "--shave '$2' must be a number of pixels"; shave=$2 ;;
    --sheet) [[ $2 == *.html ]] || die "--sheet '$2' must end in .html"; sheet=$2 ;;
    --niqe) niqe=$2 ;;
  esac
}

add_method() { # name, flags, weights
  method_names+=("$1") method_flags+=("$2") method_weights+=("$3")
}

# Checks what can be checked before the work, and makes the temporary folder $work.
prepare() { # folder, scale
  [ -x "$zsr" ] || die "'$zsr' is not built; build it or set ZSR to a zsr program"
  [ -d "$1" ] || die "'$1' is no folder"
  [[ $2 =~ ^[2-8]$ ]] || die "SCALE '$2' must be a whole number from 2 to 8"
  [ -z "$niqe" ] || [ -f "$niqe" ] || die "--niqe '$niqe' is no file"
  shave=${shave:-$2}
  if [ "$crop" -gt 0 ] || [ -n "$sheet" ]; then
    command -v vipsheader >/dev/null ||
      die "--crop and --sheet need the vips program (apt-get install libvips-tools)"
  fi
  [ -z "$sheet" ] || [ -w "$(dirname "$sheet")" ] || die "--sheet: cannot write to the folder of '$sheet'"
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/tmp"
  export VIPS_WARNING=0
}

# Files of a folder that look like pictures, one a line.
pictures() { find -L "$1" -maxdepth 1 -type f ! -name '.*' | grep -iE '\.(png|jpe?g|webp|tiff?|bmp|p[bgnp]m|gif|hei[cf]|avif)$' | sort; }

stem() { local name=${1##*/}; echo "${name%.*}"; }

# Fills lr_of, and hr_of where there are true photos.
index_photos() { # LR folder, [HR folder]
  local file
  while read -r file; do lr_of[$(stem "$file")]=$file; done < <(pictures "$1")
  [ "${#lr_of[@]}" -gt 0 ] || die "no photos in '$1'"
  [ $# -lt 2 ] || while read -r file; do hr_of[$(stem "$file")]=$file; done < <(pictures "$2")
}

size_of() { echo "$(vipsheader -f width "$1") $(vipsheader -f height "$1")"; }

cut_out() { # input, output, left, top, width, height
  vips crop "$@" 2>"$work/log" || die "cannot cut '$1': $(tail -1 "$work/log")"
}

# The centre of every photo of a folder, at most $3 pixels wide and high, both multiples of $4. With a second pair of
# folders, the same part of photos that are $7 times as large.
crop_folder() { # folder, output folder, side, multiple, [folder of large photos, output folder, factor]
  local file name partner width height left top
  [ -n "$(pictures "$1")" ] || die "no photos in '$1'"
  mkdir -p "$2" ${6:+"$6"}
  while read -r file; do
    name=$(stem "$file")
    vips autorot "$file" "$work/tmp/upright.v" 2>"$work/log" || die "cannot read '$file': $(tail -1 "$work/log")"
    read -r width height < <(size_of "$work/tmp/upright.v")
    left=$width top=$height
    width=$((width < $3 ? width : $3)) height=$((height < $3 ? height : $3))
    width=$((width - width % $4)) height=$((height - height % $4))
    [[ $width -gt 0 && $height -gt 0 ]] || die "'$file' is smaller than the scale"
    left=$(((left - width) / 2)) top=$(((top - height) / 2))
    cut_out "$work/tmp/upright.v" "$2/$name.png" "$left" "$top" "$width" "$height"
    [ $# -gt 4 ] || continue
    partner=$(pictures "$5" | grep -F "/$name." | head -1)
    [ -n "$partner" ] || die "no photo in '$5' for '$file'; pairs go by name"
    cut_out "$partner" "$6/$name.png" $((left * $7)) $((top * $7)) $((width * $7)) $((height * $7))
  done < <(pictures "$1")
}

# The scale to ask of a network so that SCALE can be had: SCALE itself, or 4 for 2 (its result is halved). Empty: none.
network_scale() { # weights, scale
  local scales
  "$zsr" weights info "$1" --json >"$work/info.json" 2>"$work/log" || return 1
  scales=$(tr -d ' \n' <"$work/info.json" | sed -nE 's/.*"scales":\[([0-9,]*)\].*/,\1,/p')
  case $scales in
    "" | ",,") echo "$2" ;;  # any scale, or not known here: zsr upscale decides
    *",$2,"*) echo "$2" ;;
    *,4,*) [ "$2" -ne 2 ] || echo 4 ;;
  esac
}

# Enlarges a folder by method number $1 into $work/m$1 and writes the seconds to $work/m$1.seconds. Where that cannot be
# done, says why in a note and returns 1.
enlarge() { # method, LR folder, scale
  local out="$work/m$1" scale=$3 own=$3 words=() begin
  read -r -a words <<<"${method_flags[$1]}"
  if [ -n "${method_weights[$1]}" ]; then
    own=$(network_scale "${method_weights[$1]}" "$scale") || { left_out "$1" "$(reason "$work/log")"; return 1; }
    [ -n "$own" ] || { left_out "$1" "its network does not enlarge by $scale"; return 1; }
    words+=(--weights "${method_weights[$1]}")
  fi
  mkdir -p "$out"
  begin=$EPOCHREALTIME
  "$zsr" upscale "$2" -o "$out" -s "$own" "${words[@]}" -f png --no-record -q >/dev/null 2>"$work/log" ||
    { left_out "$1" "$(reason "$work/log")"; return 1; }
  if [ "$own" -ne "$scale" ]; then
    mv "$out" "$out.large"
    "$zsr" degrade "$out.large" -o "$out" -s $((own / scale)) -q >/dev/null 2>"$work/log" ||
      { left_out "$1" "$(reason "$work/log")"; return 1; }
    rm -rf "$out.large"
    method_names[$1]+=" (x$own, halved)"
  fi
  awk -v a="$begin" -v b="$EPOCHREALTIME" 'BEGIN {printf "%.1f", b - a}' >"$out.seconds"
}

# What stands below the table, on the terminal and on the sheet.
note() { echo "$*" >>"$work/notes.txt"; }

left_out() { # method, why
  [ "$1" -gt 0 ] || die "bicubic: $2"  # the others are compared with it
  note "${method_names[$1]}: left out: $2"
}

# Measures one group of figures into $work/m$1.$2.csv. Where that cannot be done, says why in a note and returns 1.
measure() { # method, metrics, flags of zsr eval
  "$zsr" eval -i "$work/m$1" --metrics "$2" --csv "$work/m$1.$2.csv" "${@:3}" >/dev/null 2>"$work/log" && return
  note "${method_names[$1]}: no $2: $(reason "$work/log")"
  return 1
}

# Lines of photo, tabulator, value.
values() { # method, metrics, column
  [ -f "$work/m$1.$2.csv" ] || return 0
  awk -v key="$3" 'NR == 1 {n = split($0, titles, ","); for (i = 2; i <= n; ++i) if (titles[i] == key) at = i - 1; next}
    match($0, /^".*",/) {name = substr($0, 2, RLENGTH - 3); sub(/\.png$/, "", name)
      split(substr($0, RLENGTH + 1), fields, ","); if (fields[at] != "") print name "\t" fields[at]}' "$work/m$1.$2.csv"
}

value_of() { values "$1" "$2" "$3" | awk -F '\t' -v name="$4" -v format="$5" '$1 == name {printf format, $2}'; }

# Mean over the photos, "-" where some photo has no figure.
mean() { # method, metrics, column, digits
  values "$1" "$2" "$3" | awk -F '\t' -v photos="${#lr_of[@]}" -v digits="$4" '{sum += $2}
    END {if (NR == photos) printf "%.*f", digits, sum / NR; else printf "-"}'
}

# The photo on which a method is worst compared with bicubic (method 0).
worst() { # method
  join -t $'\t' <(values 0 psnr,ssim psnr_y | sort -t $'\t' -k1,1) <(values "$1" psnr,ssim psnr_y | sort -t $'\t' -k1,1) |
    awk -F '\t' '{d = $3 - $2} NR == 1 || d < least {least = d; name = $1}
      END {if (NR > 0) printf "%+.2f (%s)", least, name; else printf "-"}'
}

longest_name() { printf '%s\n' "${method_names[@]}" | awk '{if (length($0) > n) n = length($0)} END {print n + 14}'; }

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/"/\&quot;/g' <<<"$1"; }

# Left and top of the $2 x $3 window of a picture that has most edges (Sobel), on a grid of 32 pixels, rounded down to
# multiples of $4.
most_detailed() { # picture, width, height, multiple
  local block=32
  vips colourspace "$1" "$work/tmp/gray.v" b-w && vips sobel "$work/tmp/gray.v" "$work/tmp/edges.v" &&
    vips shrink "$work/tmp/edges.v" "$work/tmp/blocks.v" $block $block && vips extract_band "$work/tmp/blocks.v" \
    "$work/tmp/blocks.csv" 0
  awk -v w="$2" -v h="$3" -v b=$block -v m="$4" -v size="$(size_of "$1")" '{for (x = 1; x <= NF; ++x) e[NR, x] = $x; n = NF}
    END {split(size, full, " "); best = -1
      for (y = 0; y * b + h <= full[2]; ++y) for (x = 0; x * b + w <= full[1]; ++x) {
        sum = 0
        for (j = 1; j <= h / b; ++j) for (i = 1; i <= w / b; ++i) sum += e[y + j, x + i]
        if (sum > best) {best = sum; left = x * b; top = y * b}
      }
      print left - left % m, top - top % m}' "$work/tmp/blocks.csv"
}

cell() { # picture file, title, figure, class
  local data
  data=$(base64 -w0 <"$1")
  printf '<figure><img class="%s" alt="%s" src="data:image/png;base64,%s"><figcaption><b>%s</b>%s</figcaption></figure>\n' \
    "$4" "$2" "$data" "$2" "${3:+ $3}"
}

# The row of one photo: the low-resolution photo enlarged without interpolation, the methods, the true photo.
photo_row() { # name, scale
  local name=$1 scale=$2 guide width height left top i figure part="$work/tmp/part.png" even=$((2 * $2))
  guide=${hr_of[$name]:-$work/m0/$name.png}
  read -r width height < <(size_of "$work/m0/$name.png")
  width=$((width < 256 ? width : 256)) height=$((height < 256 ? height : 256))
  width=$((width - width % even)) height=$((height - height % even))
  read -r left top < <(most_detailed "$guide" "$width" "$height" "$scale" 2>"$work/log")
  [ -n "$top" ] || die "cannot read '$guide': $(tail -1 "$work/log")"
  printf '<h2>%s</h2><div class="row" tabindex="0" role="group" aria-label="%s">\n' "$(escape "$name")" "$(escape "$name")"
  vips autorot "${lr_of[$name]}" "$work/tmp/upright.v" 2>"$work/log" || die "cannot read '${lr_of[$name]}'"
  cut_out "$work/tmp/upright.v" "$work/tmp/small.v" $((left / scale)) $((top / scale)) $((width / scale)) $((height / scale))
  vips zoom "$work/tmp/small.v" "$part" "$scale" "$scale"
  cell "$part" "low resolution" "" pixels
  for i in "${shown[@]}"; do
    figure=$(value_of "$i" psnr,ssim psnr_y "$name" "%.2f dB")
    [ "${#hr_of[@]}" -gt 0 ] || figure=$(value_of "$i" niqe niqe "$name" "NIQE %.2f")
    cut_out "$work/m$i/$name.png" "$part" "$left" "$top" "$width" "$height"
    cell "$part" "$(escape "${method_names[$i]}")" "$figure" ""
  done
  if [ -n "${hr_of[$name]:-}" ]; then
    cut_out "${hr_of[$name]}" "$part" "$left" "$top" "$width" "$height"
    cell "$part" truth "" ""
  fi
  echo '</div>'
}

# A page of its own: no scripts, no files beside it. $work/table.txt and $work/notes.txt hold what was printed.
write_sheet() { # title, scale
  local name
  {
    cat <<HTML
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>$(escape "$1")</title><style>
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }
body { margin: 0 auto; padding: 12px }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 1.2em 0 .3em; overflow-wrap: anywhere }
pre, .row { overflow-x: auto } pre { font-size: .8rem } p { margin: .3em 0; overflow-wrap: anywhere }
.row { display: flex; gap: 8px; padding-bottom: 6px }
figure { margin: 0; flex: none; width: min-content }
img { display: block; width: auto; height: auto; object-fit: none } .pixels { image-rendering: pixelated }
figcaption { font-size: .85rem; overflow-wrap: anywhere }
@media (max-width: 600px) { img { width: 176px; height: 176px } }
</style></head><body><h1>$(escape "$1")</h1>
<pre tabindex="0">$(escape "$(cat "$work/table.txt")")</pre>
$(while read -r name; do echo "<p>$(escape "$name")</p>"; done <"$work/notes.txt")
<p>Each picture shows the part of the photo with most edges, one pixel of the picture for one of the screen.</p>
HTML
    while read -r name; do photo_row "$name" "$2"; done < <(printf '%s\n' "${!lr_of[@]}" | sort)
    echo '</body></html>'
  } >"$work/sheet.html"
  mv "$work/sheet.html" "$sheet"
  echo "sheet: $sheet"
}
