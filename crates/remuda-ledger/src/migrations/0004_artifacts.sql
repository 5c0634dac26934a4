-- What runs keep as files: a tree by path. A folder is a row with an empty digest, made with the first file under it.
CREATE TABLE artifact (
    product KEY_TEXT NOT NULL,
    folder KEY_TEXT NOT NULL,
    name KEY_TEXT NOT NULL,
    digest KEY_TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    modified BIGINT NOT NULL,
    -- The row of `artifact_content` for a small file; NULL: a blob holds it.
    small BIGINT,
    PRIMARY KEY (product, folder, name)
) WITHOUT_ROWID;
CREATE INDEX artifact_by_blob ON artifact (digest) WHERE small IS NULL AND digest <> '';

-- Apart from the tree, so that a listing does not read past what it lists.
CREATE TABLE artifact_content (
    number SERIAL_KEY,
    content BYTES NOT NULL
);

-- Blobs of artifacts that no path holds, or none yet, and since when.
CREATE TABLE artifact_loose (
    product KEY_TEXT NOT NULL,
    digest KEY_TEXT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (product, digest)
);
