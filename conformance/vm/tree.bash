# Sourced by `tools` and `run`: how files of this machine get into a guest's file tree.

# skeleton TREE: the directories every archive of a guest shares, /bin, /sbin and /lib being links as on a Debian machine.
skeleton() {
    local tree=$1 dir
    mkdir -p "$tree"/usr/{bin,sbin,lib,lib32,lib64,libx32} "$tree"/{dev,etc,home,mnt,opt,proc,root,run,srv,sys,tmp} "$tree"/var/{cache,lib,log,tmp} "$tree"/usr/local/{bin,sbin}
    for dir in bin sbin lib lib32 lib64 libx32; do ln -sfn "usr/$dir" "$tree/$dir"; done
    ln -sfn ../run "$tree/var/run"
    chmod 1777 "$tree/tmp" "$tree/var/tmp"
}

# put TREE HOST GUEST: copies a file, or a directory with all it holds, links followed, to the path GUEST, and the shared
# libraries of every program in it to their own paths.
put() {
    local tree=$1 host=$2 guest=$3 program
    [[ $guest == /* ]] || { echo "vm: the guest's path must be absolute: \"$guest\"" >&2; return 1; }
    mkdir -p "$tree${guest%/*}"
    if [[ -d $host ]]; then
        mkdir -p "$tree$guest"
        cp -RL --preserve=mode --reflink=auto "$host/." "$tree$guest/"
    else
        cp -L --preserve=mode --reflink=auto "$host" "$tree$guest"
    fi
    while read -r program; do
        libraries "$tree" "$program" || return 1
    done < <(find -L "$host" -type f \( -perm -u+x -o -name '*.so' -o -name '*.so.*' \))
}

# libraries TREE PROGRAM: copies what the program is linked with; a static program or a script has none.
libraries() {
    local tree=$1 program=$2 library
    while read -r library; do
        [[ $library == /* ]] || { echo "vm: $program needs $library, which this machine lacks" >&2; return 1; }
        [[ -e $tree$library ]] && continue
        mkdir -p "$tree${library%/*}"
        cp -L --preserve=mode --reflink=auto "$library" "$tree$library"
    done < <(ldd "$program" 2>/dev/null | awk '/not found/ { print $1; next } $2 == "=>" { print $3; next } $1 ~ "^/" { print $1 }')
}

# pack TREE: the tree as an archive that the kernel unpacks, on stdout. Everything belongs to the guest's root.
pack() {
    (cd "$1" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0)
}
